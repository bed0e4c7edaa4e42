package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// ScheduleHandler is a Lambda handler that a schedule calls; what it is called with does not matter.
type ScheduleHandler func(context.Context) error

// probeTimeout bounds one probe; an endpoint that takes longer is as good as dead to a producer.
const probeTimeout = 3 * time.Second

// Gauge makes what publishes an observer's verdicts in its own region. It is handed in, so that only the observer's
// binary carries CloudWatch's client.
type Gauge func(cfg aws.Config) observe.Gauge

// Observer looks at every loop region and says what it thinks. A partial failure is logged, not returned: the
// schedule's own retry would only repeat the writes that worked.
func Observer(ctx context.Context, env Environment, gauge Gauge) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncObserver)
	if err != nil {
		return nil, err
	}
	o := &observe.Observer{
		Region: b.Region, Loop: b.Config.Regions.Loop, Endpoint: b.Endpoint, Now: time.Now,
		Docs:   dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now),
		Depths: b.queues,
		Prober: observe.HTTPProber{Client: &http.Client{}, Timeout: probeTimeout, Now: time.Now},
		Gauge:  gauge(b.aws),
	}
	watch := b.watch()
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		verdicts, err := o.Run(ctx)
		err = errors.Join(err, watch(ctx))
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
