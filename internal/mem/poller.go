package mem

import (
	"context"
	"errors"
	"time"

	"example.com/unbroken/internal/loop"
)

// Poller is the queues for whoever polls them himself, from a region. It does not wait for messages: time is the test's.
type Poller struct{ queuesView }

// Poller returns the queues as polled from a region.
func (q *Queues) Poller(from string) Poller { return Poller{queuesView{q, from}} }

func (p Poller) call(ctx context.Context, region, queue, name string, do func() error) error {
	return p.cfg.Fault.call(ctx, Op{Service: "queue", From: p.from, Region: region, Name: name, Key: queue}, do)
}

// Receive takes up to limit messages that are visible now and hides them for hold. Where the answer is lost they are
// hidden all the same.
func (p Poller) Receive(ctx context.Context, region, queue string, limit int, _, hold time.Duration) (got []loop.Received, err error) {
	err = p.call(ctx, region, queue, "Receive", func() error {
		for _, d := range p.Queues.Receive(region, queue, limit) {
			p.Release(region, queue, d.Receipt, hold)
			got = append(got, loop.Received{Message: d.Message, Handle: d.Receipt, Group: d.Group})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}

// Delete acknowledges messages; one that was delivered again meanwhile stays.
func (p Poller) Delete(ctx context.Context, region, queue string, handles []string) error {
	return p.each(ctx, region, queue, "Delete", handles, func(h string) { p.Ack(region, queue, h) })
}

// Return makes messages visible again at once.
func (p Poller) Return(ctx context.Context, region, queue string, handles []string) error {
	return p.each(ctx, region, queue, "Return", handles, func(h string) { p.Release(region, queue, h, 0) })
}

// each is one call a message, so that a batch can fail in part.
func (p Poller) each(ctx context.Context, region, queue, name string, handles []string, do func(handle string)) error {
	var errs []error
	for _, h := range handles {
		errs = append(errs, p.call(ctx, region, queue, name, func() error { do(h); return nil }))
	}
	return errors.Join(errs...)
}
