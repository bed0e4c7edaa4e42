package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/localstack/local"
)

// reach is a deployment that can be spoken to.
type reach struct {
	*cloud
	cfg  *loop.Config
	aws  aws.Config
	sign client.Signer
}

// reach reads loop.yaml and connects: to the local world with --local, else to what the environment says.
func (g *globals) reach(ctx context.Context, w *world) (*reach, error) {
	cfg, err := g.load()
	if err != nil {
		return nil, err
	}
	d := deployment{Prefix: cfg.Prefix, Regions: cfg.Regions.Loop, User: w.User, Now: w.Now}
	r := &reach{cfg: cfg}
	if g.World {
		s, err := w.running(ctx)
		if err != nil {
			return nil, err
		}
		r.aws, d.Account = s.AWS(cfg.Regions.Loop[0]), local.Account
	} else {
		// The region is only a default: every call names its own.
		r.aws, err = w.AWS(ctx, config.WithRegion(cfg.Regions.Loop[0]), config.WithLogger(logging.Nop{}))
		if err != nil {
			return nil, fmt.Errorf("load AWS configuration: %w", err)
		}
	}
	r.cloud, r.sign = w.Cloud(r.aws, d), client.SigV4{Credentials: r.aws.Credentials, Now: w.Now}
	return r, nil
}

// signed makes sure that there is something to sign with, before a request fails for a reason nobody reads.
func (r *reach) signed(ctx context.Context) error {
	if r.aws.Credentials == nil {
		return fail(exitProblem, errors.New("no AWS credentials: set AWS_PROFILE, or give --local for the world of `make run`"))
	}
	if _, err := r.aws.Credentials.Retrieve(ctx); err != nil {
		return fail(exitProblem, fmt.Errorf("no AWS credentials: set AWS_PROFILE, or give --local for the world of `make run`: %w", err))
	}
	return nil
}

// endpoints finds where the regions answer: as --endpoint says, else as announced in the outputs table of any
// region. Every region announces itself in every table, so the survivors know where a dead one was, and the first
// answer is as good as any.
func (r *reach) endpoints(ctx context.Context, given map[string]string, wanted []string) (map[string]string, error) {
	urls := map[string]string{}
	open := map[string]bool{}
	for _, region := range wanted {
		if url := given[region]; url != "" {
			urls[region] = strings.TrimRight(url, "/")
		} else {
			open[region] = true
		}
	}
	type answer struct {
		region, url string
		err         error
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answers := make(chan answer, len(open)*len(r.cfg.Regions.Loop))
	for region := range open {
		for _, table := range r.cfg.Regions.Loop {
			go func() {
				url, err := r.announced(ctx, table, region)
				answers <- answer{region, url, err}
			}()
		}
	}
	var errs []error
	for range cap(answers) {
		a := <-answers
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		urls[a.region] = a.url
		delete(open, a.region)
		if len(open) == 0 {
			return urls, nil
		}
	}
	return urls, errors.Join(errs...)
}

func (r *reach) announced(ctx context.Context, table, region string) (string, error) {
	docs, err := r.Docs.Query(ctx, table, observe.EndpointKey(region))
	if err != nil {
		return "", err
	}
	raw, ok := docs[observe.EndpointSort]
	if !ok {
		return "", fmt.Errorf("%s has not announced its endpoint in %s yet: its observer does so within a minute", region, table)
	}
	var e observe.Endpoint
	if err := json.Unmarshal(raw, &e); err != nil || e.URL == "" {
		return "", fmt.Errorf("the endpoint of %s in %s cannot be read", region, table)
	}
	return strings.TrimRight(e.URL, "/"), nil
}

// anyEndpoint is endpoints for commands that need at least one region.
func (r *reach) anyEndpoint(ctx context.Context, given map[string]string, wanted []string) (map[string]string, error) {
	urls, err := r.endpoints(ctx, given, wanted)
	if len(urls) == 0 {
		return nil, fail(exitUnreachable, fmt.Errorf(
			"no endpoint is known of %s: give --endpoint REGION=URL, or --local for the world of `make run`: %w", strings.Join(wanted, ", "), err))
	}
	return urls, nil
}

// callContext bounds one question.
func callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}
