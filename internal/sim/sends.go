package sim

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
)

type taskKey struct{}

// sends is the queue as ingest reaches it. Ingest sends both copies of a signal at once, from two goroutines; here
// they go one after the other, in an order that the run draws, so that a run is repeatable.
type sends struct{ r *region }

func (s sends) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	t, ok := ctx.Value(taskKey{}).(*task)
	if !ok || queue != loop.QueueSignals || s.r.peer == "" || len(msgs) == 0 || s.r.w.bundles[0].config.Inputs[msgs[0].Group].Durability != loop.Mirrored {
		return s.r.queue.Send(ctx, region, queue, msgs)
	}
	// A peer that has the only copy gets it again to act at once, and another one is asked when the first cannot keep
	// its copy: both after the two.
	if region != s.r.name && (msgs[0].Delay == 0 || region != s.r.peer) {
		return s.r.queue.Send(ctx, region, queue, msgs)
	}
	if (region == s.r.name) == t.ownFirst {
		defer close(t.first)
	} else {
		<-t.first
	}
	return s.r.queue.Send(ctx, region, queue, msgs)
}

func withTask(t *task) context.Context {
	return context.WithValue(timeless{context.Background()}, taskKey{}, t)
}

// timeless is a context whose children have no deadlines of their own: those would pass by the wall's clock, which has
// nothing to do with a run. That its own deadline is long past makes them follow it, and it never ends.
// https://pkg.go.dev/context#WithDeadline
type timeless struct{ context.Context }

func (timeless) Deadline() (time.Time, bool) { return time.Time{}, true }
