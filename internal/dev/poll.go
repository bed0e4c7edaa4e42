package dev

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// poller names the loop that drains one queue of one region.
type poller struct{ region, queue string }

const (
	batch       = 10 // as the event source mappings have
	invocations = 8  // of one function at once
)

// arrived wakes the poller of a queue when a message becomes visible.
func (w *World) arrived(region, queue string, visible time.Time) {
	w.wakeAt(poller{region, queue}, visible.Sub(w.cfg.Now()))
}

func (w *World) wakeAt(p poller, in time.Duration) {
	wake, ok := w.pollers[p]
	if !ok {
		return // a dead-letter queue
	}
	nudge := func() {
		select {
		case wake <- struct{}{}:
		default: // it is awake already
		}
	}
	if in <= 0 {
		nudge()
		return
	}
	time.AfterFunc(in+time.Millisecond, nudge)
}

// poll is the event source mapping of one queue.
func (w *World) poll(ctx context.Context, r *loopRegion, queue string) error {
	p := poller{r.name, queue}
	var running errgroup.Group
	running.SetLimit(invocations)
	for {
		select {
		case <-ctx.Done():
			return running.Wait()
		case <-w.pollers[p]:
		}
		for r.stages[queue] != nil && !w.state.gone(r.name) {
			got := w.queues.Receive(r.name, queue, batch)
			if len(got) == 0 {
				break
			}
			w.wakeAt(p, visibility) // for what is not acknowledged by then
			running.Go(func() error {
				r.invoke(ctx, queue, got)
				return nil
			})
		}
	}
}

// invoke runs the stage on a batch and deletes what it did not name as failed. A region that is gone by then deletes
// nothing.
func (r *loopRegion) invoke(ctx context.Context, queue string, got []mem.Delivery) {
	msgs := make([]loop.Message, len(got))
	for i, d := range got {
		msgs[i] = d.Message
	}
	failed := r.stages[queue].Handle(ctx, msgs)
	for _, d := range got {
		if !slices.Contains(failed, d.ID) && !r.w.state.gone(r.name) {
			r.w.queues.Ack(r.name, queue, d.Receipt)
		}
	}
}
