// Package target lands effects at AWS services: one small file each, all of the same shape. A target reads the
// rendered request (URL names the resource, Method the action, Headers its parameters, Body what is sent), makes
// the call once, and says what the answer means. What stands in answer.go is all they share.
//
// It must not retry, render or remember anything: that is act's business, and a retry hidden in the SDK would
// double an effect of class `once`. Every target passes looptest.Targets; docs/targets.md says how to add one.
package target

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/appconfig"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// All makes every target, by the name that an action's `to` gives it. Where a resource lies in another region
// than cfg's, its client does too.
func All(cfg aws.Config) map[string]act.Target {
	cfg = once(cfg)
	return map[string]act.Target{
		loop.TargetSNS:           SNS(regional(cfg, func(c aws.Config) SNSAPI { return sns.NewFromConfig(c) })),
		loop.TargetSQS:           SQS(regional(cfg, func(c aws.Config) SQSAPI { return sqs.NewFromConfig(c) })),
		loop.TargetEventBridge:   EventBridge(regional(cfg, func(c aws.Config) EventBridgeAPI { return eventbridge.NewFromConfig(c) })),
		loop.TargetLambda:        Lambda(regional(cfg, func(c aws.Config) LambdaAPI { return lambda.NewFromConfig(c) })),
		loop.TargetStepFunctions: StepFunctions(regional(cfg, func(c aws.Config) StepFunctionsAPI { return sfn.NewFromConfig(c) })),
		loop.TargetSSM:           SSM(regional(cfg, func(c aws.Config) SSMAPI { return ssm.NewFromConfig(c) })),
		loop.TargetDynamoDB:      DynamoDB(regional(cfg, func(c aws.Config) DynamoDBAPI { return dynamodb.NewFromConfig(c) })),
		loop.TargetS3:            S3(regional(cfg, func(c aws.Config) S3API { return s3.NewFromConfig(c) })),
		loop.TargetAppConfig:     AppConfig(regional(cfg, func(c aws.Config) AppConfigAPI { return appconfig.NewFromConfig(c) })),
		loop.TargetAlarm:         Alarm(regional(cfg, func(c aws.Config) AlarmAPI { return cloudwatch.NewFromConfig(c) })),
		loop.TargetMetric:        Metric(regional(cfg, func(c aws.Config) MetricAPI { return cloudwatch.NewFromConfig(c) })),
	}
}

// once takes the SDK's own retries away, whatever AWS_MAX_ATTEMPTS says.
func once(cfg aws.Config) aws.Config {
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	cfg.RetryMaxAttempts = 0
	return cfg
}

// Clients gives the client of a region; "" and loop.OwnRegion are the region that acts.
type Clients[C any] func(region string) C

// regional makes each region's client at first use.
func regional[C any](cfg aws.Config, make func(aws.Config) C) Clients[C] {
	var (
		mu      sync.Mutex
		clients = map[string]C{}
		own     = cfg.Region
	)
	return func(region string) C {
		if region == "" || region == loop.OwnRegion {
			region = own
		}
		mu.Lock()
		defer mu.Unlock()
		c, ok := clients[region]
		if !ok {
			there := cfg.Copy()
			there.Region = region
			c = make(there)
			clients[region] = c
		}
		return c
	}
}

// deliver is a target whose request is known to be there.
type deliver func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer

// Deliver implements act.Target.
func (d deliver) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	if e.Request == nil {
		return refused("the effect has no request")
	}
	return d(ctx, e, *e.Request)
}

// resource is the ARN that a request goes to.
func resource(r loop.Request) (arn.ARN, error) { return arn.Parse(r.URL) }

// prefixed are the headers that start with prefix, without it.
func prefixed(headers map[string]string, prefix string) map[string]string {
	found := map[string]string{}
	for name, value := range headers {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			found[rest] = value
		}
	}
	return found
}

// optional leaves a parameter out that was not given.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
