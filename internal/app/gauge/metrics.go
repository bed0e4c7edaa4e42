package gauge

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwsdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"example.com/unbroken/internal/cloudwatch"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// NewMetrics makes what reads the metrics of the deployment's queues and functions, in any region.
func NewMetrics(cfg aws.Config, prefix string) observe.Metrics {
	return metrics{prefix: prefix, in: func(region string) cloudwatch.API {
		return cwsdk.NewFromConfig(cfg, func(o *cwsdk.Options) { o.Region = region })
	}}
}

type metrics struct {
	prefix string
	in     func(region string) cloudwatch.API
}

// Read implements observe.Metrics.
func (m metrics) Read(ctx context.Context, region string, from, to time.Time, asked []observe.Metric) ([]observe.Series, error) {
	queries := make([]cloudwatch.Query, len(asked))
	for i, one := range asked {
		q := cloudwatch.Query{Namespace: "AWS/SQS", Metric: one.Name, Stat: one.Stat, Period: time.Minute}
		if one.Of.Queue != "" {
			q.Dimensions = map[string]string{"QueueName": loop.Name(m.prefix, one.Of.Queue)}
		} else {
			q.Namespace, q.Dimensions = "AWS/Lambda", map[string]string{"FunctionName": loop.Name(m.prefix, one.Of.Function)}
		}
		queries[i] = q
	}
	found, err := cloudwatch.New(m.in(region)).Read(ctx, from, to, queries)
	if err != nil {
		return nil, err
	}
	series := make([]observe.Series, len(found))
	for i, s := range found {
		for _, point := range s {
			series[i] = append(series[i], point.Value)
		}
	}
	return series, nil
}
