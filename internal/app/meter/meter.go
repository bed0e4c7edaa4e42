// Package meter reads CloudWatch and endpoints for inputs of kind poll. It stands apart, so that only their binary carries
// the clients.
package meter

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwsdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/unbroken/internal/cloudwatch"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/secret"
	"example.com/unbroken/internal/webhook"
)

// New makes the meter. It implements app.Meter.
func New(cfg aws.Config) ingest.Meter {
	return meter{func(region string) cloudwatch.API {
		return cwsdk.NewFromConfig(cfg, func(o *cwsdk.Options) { o.Region = region })
	}}
}

// Endpoints makes what reads endpoints; runtimeAPI is the address of Lambda's own API, which none may be. It implements
// app.Endpoints.
func Endpoints(cfg aws.Config, c *loop.Config, runtimeAPI string) (ingest.Fetcher, error) {
	dialer, err := webhook.NewDialer(c.EgressAllow, runtimeAPI)
	if err != nil {
		return nil, fmt.Errorf("egress_allow: %w", err)
	}
	return webhook.NewFetcher(webhook.Config{Dialer: dialer, Now: time.Now, Secrets: secret.New(ssm.NewFromConfig(cfg), time.Now)}), nil
}

type meter struct {
	api func(region string) cloudwatch.API
}

// Read implements ingest.Meter: one call a region and 500 metrics.
func (m meter) Read(ctx context.Context, from, to time.Time, period time.Duration, metrics []loop.Metric) ([][]ingest.Value, error) {
	values := make([][]ingest.Value, len(metrics))
	places := map[string][]int{}
	for i, one := range metrics {
		places[one.Region] = append(places[one.Region], i)
	}
	for region, at := range places {
		queries := make([]cloudwatch.Query, len(at))
		for k, i := range at {
			one := metrics[i]
			queries[k] = cloudwatch.Query{Namespace: one.Namespace, Metric: one.Metric, Dimensions: one.Dimensions, Stat: one.Stat, Period: period}
		}
		series, err := cloudwatch.New(m.api(region)).Read(ctx, from, to, queries)
		if err != nil {
			return nil, err
		}
		for k, i := range at {
			for _, p := range series[k] {
				values[i] = append(values[i], ingest.Value{At: p.At, Value: p.Value})
			}
		}
	}
	return values, nil
}
