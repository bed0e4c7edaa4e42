// Package canary sends synthetic signals through a region's own chain, so that it is known to be whole although nobody
// sends, and broken although no message looks old: a poison message hides from the age of a queue, a canary that does
// not come through does not.
//
// They enter like everybody's signals, one by every way in: over HTTP at the region's own endpoint and by the `inbox`
// queue, past ingest, decide and act to a receipt. From outside, their source is refused; what proves that one is the
// loop's own is a signature (key.go, verify.go). The package knows no AWS.
package canary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Queue sends to this region's queues.
type Queue interface {
	// Send returns one error slot per message; nil means durably stored.
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
}

// Poster posts an event to loop.CanaryPath of this region's own endpoint; nil means that it was accepted.
type Poster interface {
	Post(ctx context.Context, event []byte) error
}

// Board is where keys are announced: the small JSON items of the `outputs` table.
type Board interface {
	// Put writes doc into the table of region; keep is its time to live.
	Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error
}

// Sender sends one canary of every kind every half minute. It is one process's: it is not for use by several at once.
type Sender struct {
	Region string
	Kinds  []string
	Queue  Queue
	HTTP   Poster
	Board  Board
	Key    *Key
	Now    func() time.Time

	announced time.Time
}

// renewEvery is long before a key is forgotten, so that a table that does not answer then keeps no canary back.
const renewEvery = 24 * time.Hour

// answered bounds a write to the table or a queue. With what the endpoint is waited for, twice, and the half minute between,
// a run stays below a minute.
const answered = 3 * time.Second

// Run sends the canaries of the minute that begins: those of now, and those of half a minute later, for which it waits. A
// schedule starts nothing more often than once a minute, and to the minute only; a message may be delayed by its queue, but
// nothing that is free delays a request. Of what would (a queue of its own, a workflow, a second schedule), half a minute of
// a small function is the least to build and to break: 0.33 million GB-seconds a month in two regions (docs/cost.md).
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func (s *Sender) Run(ctx context.Context) error {
	next := s.Now().Add(loop.CanaryEvery)
	err := s.Send(ctx)
	select {
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	case <-time.After(next.Sub(s.Now())):
		return errors.Join(err, s.Send(ctx))
	}
}

// Send sends one canary of each kind. One that fails keeps no other back, and one that is not answered does not for long.
func (s *Sender) Send(ctx context.Context) error {
	err := s.announce(ctx)
	if s.Now().Sub(s.announced) >= loop.CanaryKeyKeep {
		return err // it would be taken for forged
	}
	for _, kind := range s.Kinds {
		if failed := s.send(ctx, kind); failed != nil {
			err = errors.Join(err, fmt.Errorf("canary of %s: %w", kind, failed))
		}
	}
	return err
}

// announce writes down the key, before anything is signed with it.
func (s *Sender) announce(ctx context.Context) error {
	now := s.Now().UTC()
	if now.Sub(s.announced) < renewEvery {
		return nil
	}
	doc := announced{Public: public(s.Key.private), At: now}
	ctx, cancel := context.WithTimeout(ctx, answered)
	defer cancel()
	if err := s.Board.Put(ctx, s.Region, loop.CanaryKeyKey(s.Region), s.Key.id, doc, loop.CanaryKeyKeep); err != nil {
		return fmt.Errorf("announce the key of canaries: %w", err)
	}
	s.announced = now
	return nil
}

func (s *Sender) send(ctx context.Context, kind string) error {
	at := s.Now().UTC().Round(0)
	event, err := loop.Marshal(s.Key.sign(s.Region, kind, at))
	if err != nil {
		return err
	}
	switch kind {
	case loop.KindHTTP:
		return s.HTTP.Post(ctx, event)
	case loop.KindQueue:
		return s.enqueue(ctx, loop.QueueInbox, event)
	}
	item, err := loop.Encode(loop.Item{AcceptedAt: at, Input: kind, Signal: event})
	if err != nil {
		return err
	}
	return s.enqueue(ctx, loop.QueueSignals, item)
}

func (s *Sender) enqueue(ctx context.Context, queue string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, answered)
	defer cancel()
	return errors.Join(s.Queue.Send(ctx, s.Region, queue, []loop.Outgoing{{Body: body, Group: loop.CanaryRule}})...)
}
