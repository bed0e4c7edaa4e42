package app

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/rule"
)

// ScheduleHandler is a Lambda handler that a schedule calls; what it is called with does not matter.
type ScheduleHandler func(context.Context) error

// probeTimeout bounds one probe; an endpoint that takes longer is as good as dead to a producer.
const probeTimeout = 3 * time.Second

// CloudWatch is what an observer needs of it: a gauge to publish its verdicts in its own region, and the metrics of all.
// It is handed in, so that only the observer's binary carries the client.
type CloudWatch struct {
	Gauge   func(cfg aws.Config, prefix string) observe.Gauge
	Metrics func(cfg aws.Config, prefix string) observe.Metrics
}

// Observer looks at every loop region and says what it thinks. A partial failure is logged, not returned: the
// schedule's own retry would only repeat the writes that worked.
func Observer(ctx context.Context, env Environment, cw CloudWatch) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncObserver)
	if err != nil {
		return nil, err
	}
	o := &observe.Observer{
		Region: b.Region, Loop: b.Config.Regions.Loop, All: b.Config.Regions.All(),
		Operator: b.Config.Health.Drain == loop.DrainOperator, Endpoint: b.Endpoint, Now: time.Now,
		Docs:    dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now),
		Depths:  b.queues,
		Prober:  observe.HTTPProber{Client: &http.Client{}, Timeout: probeTimeout, Now: time.Now},
		Gauge:   cw.Gauge(b.aws, b.Config.Prefix),
		Metrics: cw.Metrics(b.aws, b.Config.Prefix),
		Bounds:  b.Config.Health.Bounds, Canaries: loop.Canaries(b.Config.Inputs),
	}
	if rule.Hears(b.Config, loop.FindingTypes()...) {
		hears := func(typ string) bool { return rule.Hears(b.Config, typ) }
		o.Teller = &observe.Teller{Queue: b.queues, StandbyDelay: b.Config.StandbyDelay.Std(), Hears: hears}
	}
	heartbeat := b.Config.Health.Heartbeat
	return b.observing(func(ctx context.Context) error { return beat(ctx, heartbeat) }, o.Run, b.watch()), nil
}

// observing makes a run of its parts. The heartbeat goes beside: whoever waits for it learns that the schedule runs,
// whatever the run finds, and a service that answers slowly holds up no verdict.
func (b *base) observing(beat func(context.Context) error, run func(context.Context) (map[string]observe.Verdict, error), watch func(context.Context) error) ScheduleHandler {
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		log := b.telemetry.Logger()
		var beaten error
		var beside sync.WaitGroup
		beside.Go(func() { beaten = beat(ctx) })
		verdicts, err := run(ctx)
		for region, v := range verdicts {
			log.InfoContext(ctx, "observed", slog.String("judged", region), slog.Bool("healthy", v.Healthy), slog.Any("checks", v.Checks))
		}
		if err != nil {
			log.WarnContext(ctx, "observed in part", slog.String("error", err.Error()))
		}
		if err := watch(ctx); err != nil {
			log.WarnContext(ctx, "watched in part", slog.String("error", err.Error()))
		}
		if beside.Wait(); beaten != nil {
			log.WarnContext(ctx, "heartbeat", slog.String("error", beaten.Error()))
		}
		return nil
	}
}

// beat tells a service outside of the deployment, which pages when nobody calls, that the observer lives.
func beat(ctx context.Context, url string) error {
	if url == "" {
		return nil
	}
	return observe.HTTPProber{Client: &http.Client{}, Timeout: probeTimeout, Now: time.Now}.Beat(ctx, url)
}
