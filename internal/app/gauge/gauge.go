// Package gauge publishes an observer's verdicts where the alarms of the slow path look: in its own region.
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

// New makes the gauge of a region. It implements app.Gauge.
func New(cfg aws.Config) observe.Gauge {
	return gauge{cloudwatch.New(cwsdk.NewFromConfig(cfg)), time.Now}
}

type gauge struct {
	metrics *cloudwatch.Metrics
	now     func() time.Time
}

// Publish implements observe.Gauge.
func (g gauge) Publish(ctx context.Context, _ string, verdicts map[string]float64, silent int) error {
	data := []cloudwatch.Datum{{
		Metric: "SilentObservers", Value: float64(silent), At: g.now().UTC(), Dimensions: map[string]string{"Function": loop.FuncObserver},
	}}
	for region, value := range verdicts {
		data = append(data, cloudwatch.Datum{
			Metric: "Verdict", Value: value, At: g.now().UTC(),
			Dimensions: map[string]string{"Function": loop.FuncObserver, "Region": region},
		})
	}
	return g.metrics.Write(ctx, "Unbroken", data)
}
