package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// Options are what a deployment may choose beside loop.yaml. Each is one context flag, `-c name=value`;
// README.md lists them. The zero value deploys to AWS with every default.
type Options struct {
	Account  string // account; empty means the one the CLI's credentials name
	Dist     string // dist; a folder with one asset directory per function
	Emulator bool   // emulator=1; see emulator.go for what that leaves out

	APIEndpoint string // apiEndpoint; where the API answers, with {id} for its id; empty means where AWS says
	Domain      string // domain; the loop's own host name, with hostedZone
	HostedZone  string // hostedZone; the id of the zone that holds domain

	Operators     []string // operators; ARNs of roles that may move messages back from a dead-letter queue
	InboxSources  []string // inboxSources; ARNs of topics, rules or buckets that may send to inbox
	InboxAccounts []string // inboxAccounts; other accounts that may send to inbox

	ReservedConcurrency float64 // reservedConcurrency; per function of the chain; 0 means none is reserved
	MaxConcurrency      float64 // maxConcurrency; invocations one queue may have running at once
	Tracing             bool    // tracing=1; X-Ray traces the way of a signal
}

// defaultMaxConcurrency keeps a flooded queue from taking the account's whole concurrency, 1000 by default,
// and with it the functions that drain the others.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
const defaultMaxConcurrency = 50

func optionsFrom(app awscdk.App) (Options, error) {
	opt := Options{
		Account:       contextString(app, "account", ""),
		Dist:          contextString(app, "dist", "dist"),
		Emulator:      contextString(app, "emulator", "") == "1",
		APIEndpoint:   contextString(app, "apiEndpoint", ""),
		Domain:        contextString(app, "domain", ""),
		HostedZone:    contextString(app, "hostedZone", ""),
		Operators:     contextList(app, "operators"),
		InboxSources:  contextList(app, "inboxSources"),
		InboxAccounts: contextList(app, "inboxAccounts"),
		Tracing:       contextString(app, "tracing", "") == "1",
	}
	var err error
	if opt.ReservedConcurrency, err = contextNumber(app, "reservedConcurrency", 0); err != nil {
		return opt, err
	}
	if opt.MaxConcurrency, err = contextNumber(app, "maxConcurrency", defaultMaxConcurrency); err != nil {
		return opt, err
	}
	return opt, opt.check()
}

// check refuses combinations that CloudFormation would refuse only after minutes, or accept and not serve.
func (o Options) check() error {
	if (o.Domain == "") != (o.HostedZone == "") {
		return fmt.Errorf("domain and hostedZone go together: give -c domain=loop.example.com and -c hostedZone=Z…, or neither")
	}
	if o.APIEndpoint != "" && !strings.Contains(o.APIEndpoint, "{id}") {
		return fmt.Errorf("apiEndpoint %q has no {id} where the API's id belongs", o.APIEndpoint)
	}
	if o.MaxConcurrency != 0 && (o.MaxConcurrency < 2 || o.MaxConcurrency > 1000) {
		return fmt.Errorf("maxConcurrency is %v: an event source mapping takes 2 to 1000", o.MaxConcurrency)
	}
	if o.ReservedConcurrency != 0 && o.ReservedConcurrency < o.MaxConcurrency {
		// A queue that may run more than its function is allowed is throttled, and every throttled receive
		// counts towards the dead-letter queue.
		return fmt.Errorf("reservedConcurrency %v is below maxConcurrency %v: raise the first or lower the second", o.ReservedConcurrency, o.MaxConcurrency)
	}
	for _, arn := range append(append([]string(nil), o.Operators...), o.InboxSources...) {
		if len(strings.SplitN(arn, ":", 6)) != 6 || strings.ContainsAny(arn, "*?") {
			return fmt.Errorf("%q is not an exact ARN: operators and inboxSources name each one in full", arn)
		}
	}
	return nil
}

func contextString(app awscdk.App, key, fallback string) string {
	if v := app.Node().TryGetContext(jsii.String(key)); v != nil {
		return strings.TrimSpace(fmt.Sprint(v))
	}
	return fallback
}

func contextList(app awscdk.App, key string) []string {
	var list []string
	for _, item := range strings.Split(contextString(app, key, ""), ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func contextNumber(app awscdk.App, key string, fallback float64) (float64, error) {
	s := contextString(app, key, "")
	if s == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q: want a whole number", key, s)
	}
	return float64(n), nil
}
