package dev

import (
	"context"
	"fmt"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/webhook"
)

// schedule is what runs every minute in a deployment.
type schedule interface {
	Run(ctx context.Context) error
}

// schedules are the region's poller and watcher. Endpoints are read as on AWS; CloudWatch is nowhere here.
func schedules(w *World, name string, acceptor *ingest.Acceptor, inputs map[string]loop.Input, dialer *webhook.Dialer) []schedule {
	cfg, records := w.cfg.Rules, w.records.In(name)
	fetcher := webhook.NewFetcher(webhook.Config{Dialer: dialer, Secrets: localSecrets{}, Now: w.cfg.Now})
	return []schedule{
		ingest.NewPoller(acceptor, records, unmeasured{}, fetcher),
		&observe.Watcher{
			Region: name, Peer: loop.Peer(cfg.Regions.Loop, name), StandbyDelay: cfg.StandbyDelay.Std(), Regions: cfg.Regions.Loop, Inputs: inputs,
			Docs: mem.NewDocuments(w.tables, name), Records: records, Queue: w.queues.From(name), Recorder: watchEvents{w, name}, Now: w.cfg.Now,
		},
	}
}

// unmeasured is a CloudWatch without a value.
type unmeasured struct{}

func (unmeasured) Read(_ context.Context, _, _ time.Time, _ time.Duration, metrics []loop.Metric) ([][]ingest.Value, error) {
	return make([][]ingest.Value, len(metrics)), nil
}

// keep runs the schedules at once, so that an endpoint's author sees what comes of it, and then every minute.
func (r *loopRegion) keep(ctx context.Context) error {
	minute := r.w.cfg.minute
	if minute == 0 {
		minute = time.Minute
	}
	again := time.NewTicker(minute)
	defer again.Stop()
	for {
		for _, s := range r.schedules {
			if r.w.state.gone(r.name) {
				break
			}
			if err := s.Run(ctx); err != nil && ctx.Err() == nil {
				r.w.say(Event{Region: r.name, What: "failed", Detail: err.Error()})
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

type watchEvents struct {
	w      *World
	region string
}

// Watched implements observe.WatchRecorder.
func (e watchEvents) Watched(_ context.Context, seen loop.Watched, standby string, changed bool) {
	if !changed {
		return
	}
	what, active := "recovered", seen.Input
	if seen.Stalled {
		what, active = "stalled", standby
	}
	detail := "input " + seen.Input
	if active != "" {
		detail += fmt.Sprintf(", %s is active", active)
	}
	e.w.say(Event{Region: e.region, What: what, Detail: detail})
}
