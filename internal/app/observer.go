package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	cwsdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"example.com/unbroken/internal/cloudwatch"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// ScheduleHandler is a Lambda handler that a schedule calls; what it is called with does not matter.
type ScheduleHandler func(context.Context) error

// probeTimeout bounds one probe; an endpoint that takes longer is as good as dead to a producer.
const probeTimeout = 3 * time.Second

// Observer looks at every loop region and says what it thinks. A partial failure is logged, not returned: the
// schedule's own retry would only repeat the writes that worked.
func Observer(ctx context.Context, env Environment) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncObserver)
	if err != nil {
		return nil, err
	}
	o := &observe.Observer{
		Region: b.Region, Loop: b.Config.Regions.Loop, Endpoint: b.Endpoint, Now: time.Now,
		Docs:   dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now),
		Depths: b.queues,
		Prober: observe.HTTPProber{Client: &http.Client{}, Timeout: probeTimeout, Now: time.Now},
		Gauge:  gauge{cloudwatch.New(cwsdk.NewFromConfig(b.aws)), time.Now},
	}
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		verdicts, err := o.Run(ctx)
		log := b.telemetry.Logger()
		for region, v := range verdicts {
			log.InfoContext(ctx, "observed", slog.String("judged", region), slog.Bool("healthy", v.Healthy), slog.Any("checks", v.Checks))
		}
		if err != nil {
			log.WarnContext(ctx, "observed in part", slog.String("error", err.Error()))
		}
		return nil
	}, nil
}

// gauge publishes an observer's verdicts where the alarms of the slow path look: in its own region.
type gauge struct {
	metrics *cloudwatch.Metrics
	now     func() time.Time
}

// Publish implements observe.Gauge.
func (g gauge) Publish(ctx context.Context, _ string, verdicts map[string]float64) error {
	data := make([]cloudwatch.Datum, 0, len(verdicts))
	for region, value := range verdicts {
		data = append(data, cloudwatch.Datum{
			Metric: "Verdict", Value: value, At: g.now().UTC(),
			Dimensions: map[string]string{"Function": loop.FuncObserver, "Region": region},
		})
	}
	return g.metrics.Write(ctx, "Unbroken", data)
}
