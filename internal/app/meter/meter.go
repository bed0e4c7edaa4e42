// Package meter reads CloudWatch for inputs of kind poll. It stands apart, so that only their binary carries the client.
package meter

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwsdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"example.com/unbroken/internal/cloudwatch"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// New makes the meter. It implements app.Meter.
func New(cfg aws.Config) ingest.Meter {
	return meter{func(region string) cloudwatch.API {
		return cwsdk.NewFromConfig(cfg, func(o *cwsdk.Options) { o.Region = region })
	}}
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
