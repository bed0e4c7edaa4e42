package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	awsroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
	"example.com/unbroken/internal/route53"
)

// callTimeout bounds every single question to AWS: a dead region must not hold up what the others know.
const callTimeout = 3 * time.Second

// connect answers the commands' questions from AWS, or from whatever stands at its endpoint.
func connect(cfg aws.Config, d deployment) *cloud {
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, 200*time.Millisecond })
	}
	db := dynamo.Clients(cfg)
	queues := &accountQueues{cfg: cfg, deployment: d}
	return &cloud{
		Docs:      dynamo.NewDocuments(db, d.Prefix, d.Now),
		Queues:    queues,
		Functions: lambdas{cfg, d.Prefix},
		Tables:    describer{cfg, d.Prefix},
		Logs:      cloudwatchLogs{cfg, d.Prefix},
		Claims:    func(region string) claims { return dynamo.NewClaims(db(region), d.Prefix) },
		Scans:     func(region string) scans { return dynamo.NewClaimsTable(db(region), d.Prefix) },
		Controls:  func(region string) controls { return dynamo.NewControls(db(region), d.Prefix) },
		Records:   func(region string) records { return dynamo.NewRecords(db(region), d.Prefix) },
		Names: func(domain string) names {
			return route53.Names{API: awsroute53.NewFromConfig(in(cfg, route53.Home)), Domain: domain}
		},
		Who: queues.who,
	}
}

func in(cfg aws.Config, region string) aws.Config {
	cfg.Region = region
	return cfg
}

// accountQueues finds out the account, which is part of a queue's URL, when a queue is first asked for.
type accountQueues struct {
	cfg aws.Config
	deployment

	mu     sync.Mutex
	queues *queue.Queues
}

// ready asks all regions at once which account this is: any of them knows, and a dead one must not be waited for.
func (q *accountQueues) ready(ctx context.Context) (*queue.Queues, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.queues != nil {
		return q.queues, nil
	}
	if q.Account == "" {
		caller, err := q.whose(ctx)
		if err != nil {
			return nil, fmt.Errorf("find out the AWS account: %w", err)
		}
		q.Account = aws.ToString(caller.Account)
	}
	q.queues = queue.New(queue.Config{Account: q.Account, Prefix: q.Prefix, Client: queue.Clients(q.cfg)})
	return q.queues, nil
}

// who is the caller as AWS knows it, else who is logged in here.
func (q *accountQueues) who(ctx context.Context) string {
	if caller, err := q.whose(ctx); err == nil && aws.ToString(caller.Arn) != "" {
		return aws.ToString(caller.Arn)
	}
	return cmp.Or(q.User, "unknown")
}

func (q *accountQueues) whose(ctx context.Context) (*sts.GetCallerIdentityOutput, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	type answer struct {
		caller *sts.GetCallerIdentityOutput
		err    error
	}
	answers := make(chan answer, len(q.Regions))
	for _, region := range q.Regions {
		go func() {
			who, err := sts.NewFromConfig(in(q.cfg, region)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			answers <- answer{who, err}
		}()
	}
	var errs []error
	for range q.Regions {
		a := <-answers
		if a.err == nil && aws.ToString(a.caller.Account) != "" {
			return a.caller, nil
		}
		errs = append(errs, a.err)
	}
	return nil, errors.Join(errs...)
}

// Depth implements queues.
func (q *accountQueues) Depth(ctx context.Context, region, name string) (visible, inFlight, delayed int, err error) {
	queues, err := q.ready(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	return queues.Depth(ctx, region, name)
}

// Send implements queues.
func (q *accountQueues) Send(ctx context.Context, region, name string, msgs []loop.Outgoing) []error {
	queues, err := q.ready(ctx)
	if err != nil {
		errs := make([]error, len(msgs))
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	return queues.Send(ctx, region, name, msgs)
}

type lambdas struct {
	cfg    aws.Config
	prefix string
}

// Function implements functions. fed functions have queues that feed them; a mapping that is off stops the chain
// as surely as a function that is gone.
func (l lambdas) Function(ctx context.Context, region, name string, fed bool) (functionState, error) {
	c, full := lambda.NewFromConfig(in(l.cfg, region)), loop.Name(l.prefix, name)
	conf, err := c.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &full})
	if err != nil {
		return functionState{}, fmt.Errorf("ask for function %s: %w", full, err)
	}
	s := functionState{State: string(conf.State)}
	if !fed {
		return s, nil
	}
	mappings, err := c.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: &full})
	if err != nil {
		return functionState{}, fmt.Errorf("ask what feeds %s: %w", full, err)
	}
	for _, m := range mappings.EventSourceMappings {
		s.Feeds = append(s.Feeds, aws.ToString(m.State))
	}
	return s, nil
}

type describer struct {
	cfg    aws.Config
	prefix string
}

// Table implements tables.
func (t describer) Table(ctx context.Context, region, name string) (string, error) {
	full := loop.Name(t.prefix, name)
	out, err := dynamodb.NewFromConfig(in(t.cfg, region)).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &full})
	if err != nil {
		return "", fmt.Errorf("ask for table %s: %w", full, err)
	}
	return string(out.Table.TableStatus), nil
}
