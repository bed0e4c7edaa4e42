package app

import (
	"context"
	"slices"
	"time"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/observe"
)

// watch looks at the inputs that are to be heard, from a loop region: the witness has no `claims` of its own to ask.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
func (b *base) watch() func(context.Context) error {
	cfg := b.Config
	if !slices.Contains(cfg.Regions.Loop, b.Region) {
		return func(context.Context) error { return nil }
	}
	w := &observe.Watcher{
		Region: b.Region, Peer: b.peer(), StandbyDelay: cfg.StandbyDelay.Std(), Regions: cfg.Regions.Loop, Inputs: cfg.Inputs,
		Docs:    dynamo.NewDocuments(b.tables, cfg.Prefix, time.Now),
		Records: dynamo.NewRecords(b.table(), cfg.Prefix),
		Queue:   b.queues, Recorder: b.telemetry.Watch(), Now: time.Now,
	}
	return w.Run
}
