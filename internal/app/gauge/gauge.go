// Package gauge is an observer's CloudWatch: it publishes verdicts where the alarms of the slow path look, in the
// observer's own region, and reads the metrics of every region.
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

// New makes the gauge of a deployment in a region.
func New(cfg aws.Config, prefix string) observe.Gauge {
	return gauge{cloudwatch.New(cwsdk.NewFromConfig(cfg)), prefix, time.Now}
}

type gauge struct {
	metrics *cloudwatch.Metrics
	prefix  string
	now     func() time.Time
}

// Publish implements observe.Gauge. Each metric is of one deployment: another in the account must neither hide by its data
// that this one's observer is silent, nor object for it.
func (g gauge) Publish(ctx context.Context, r observe.Reading) error {
	var data []cloudwatch.Datum
	put := func(metric string, value float64, region string) {
		d := cloudwatch.Datum{Metric: metric, Value: value, At: g.now().UTC(), Dimensions: map[string]string{"Deployment": g.prefix, "Function": loop.FuncObserver}}
		if region != "" {
			d.Dimensions["Region"] = region
		}
		data = append(data, d)
	}
	put("SilentObservers", float64(r.Silent), "")
	put("ObserverFound", float64(r.Found), "")
	for region, value := range r.Verdicts {
		put("Verdict", value, region)
	}
	return g.metrics.Write(ctx, "Unbroken", data)
}
