// Package salvage moves what is stranded in a drained region's queues to the same queues of a region that is well. A
// drained region's own functions go on, so that nothing is stranded while they work; where they do not, `inbox` and what
// only this region has would wait for its repair.
//
// A message is sent to the peer first and deleted afterwards. Whoever dies in between leaves it in both regions, and
// it is an ordinary redelivery: ids collapse. Nothing is ever in neither.
//
// What stays: standby copies, because their first copies are in the peer, and one region should not hold both; canaries,
// because they measure the region that they are in; and what is no envelope of this version. A canary in `inbox` that nobody
// waits for any more is dropped: two a minute would soon stand before everything else. Of a mirrored signal
// the peer has a standby copy, which it has seen to long before a region has been drained for Settle.
//
// The package knows no AWS, and is told the time.
package salvage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// Queues are those of all regions.
type Queues interface {
	// Receive takes up to limit messages, at most ten, waiting for the first one, and hides them for hold.
	Receive(ctx context.Context, region, queue string, limit int, wait, hold time.Duration) ([]loop.Received, error)
	// Send returns one error slot per message; nil means durably stored.
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
	Delete(ctx context.Context, region, queue string, handles []string) error
	// Return makes received messages visible again at once.
	Return(ctx context.Context, region, queue string, handles []string) error
}

// Order is that of the queues: what is nearest to its effect expires first.
func Order() []string { return []string{loop.QueueActions, loop.QueueSignals, loop.QueueInbox} }

const (
	hold    = 30 * time.Second // of a message in the mover's hands; whoever dies gives it back so
	finish  = 10 * time.Second // for what was begun when the caller's time is over
	atATime = 10
)

// Mover moves messages from one region to another. Several may move from the same region at once.
type Mover struct {
	Queues   Queues
	From, To string
	Now      func() time.Time
}

// Batch is what became of one.
type Batch struct{ Moved, Stayed, Dropped int }

// Batch moves up to ten messages and waits for the first one. All numbers are zero where there was none. An error leaves
// every message that is not dropped in one of the regions at least.
func (m Mover) Batch(ctx context.Context, queue string, limit int, wait time.Duration) (b Batch, err error) {
	got, err := m.Queues.Receive(ctx, m.From, queue, min(limit, atATime), wait, hold)
	if err != nil || len(got) == 0 {
		return b, err
	}
	// What was begun is ended, or messages would be hidden for as long as they are held.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finish)
	defer cancel()
	var out []loop.Outgoing
	var going, back, done []string
	for _, msg := range got {
		switch {
		case queue == loop.QueueInbox && m.late(msg.Body):
			done = append(done, msg.Handle)
		case stays(queue, msg.Body):
			back = append(back, msg.Handle)
		default:
			out, going = append(out, loop.Outgoing{Body: msg.Body, Group: msg.Group}), append(going, msg.Handle)
		}
	}
	b.Stayed, b.Dropped = len(back), len(done)
	if len(out) > 0 {
		for i, failed := range m.Queues.Send(ctx, m.To, queue, out) {
			if failed != nil {
				err, back = errors.Join(err, failed), append(back, going[i])
				continue
			}
			b.Moved, done = b.Moved+1, append(done, going[i])
		}
	}
	if len(done) > 0 {
		err = errors.Join(err, m.Queues.Delete(ctx, m.From, queue, done))
	}
	if len(back) > 0 {
		err = errors.Join(err, m.Queues.Return(ctx, m.From, queue, back))
	}
	if err != nil {
		return b, fmt.Errorf("salvage %s from %s to %s: %w", queue, m.From, m.To, err)
	}
	return b, nil
}

// stays says whether a message is better where it is.
func stays(queue string, body []byte) bool {
	if queue == loop.QueueInbox {
		return ofCanary(body) // all else goes: nobody has accepted it, and there is no other copy
	}
	var env loop.Envelope
	if json.Unmarshal(body, &env) != nil || env.V != loop.EnvelopeVersion {
		return true
	}
	return slices.ContainsFunc(env.Items, func(it loop.Item) bool { return it.Standby || canary(it) })
}

func canary(it loop.Item) bool {
	if it.Effect != nil {
		return it.Effect.RuleID == loop.CanaryRule
	}
	return ofCanary(it.Signal)
}

func ofCanary(event []byte) bool {
	var s heading
	return json.Unmarshal(event, &s) == nil && s.Source == loop.CanarySource
}

// late says whether an event is a canary that missed its receipt, or what calls itself one: ingest takes neither. Its
// own region would drop it, too.
func (m Mover) late(event []byte) bool {
	var s heading
	return json.Unmarshal(event, &s) == nil && s.Source == loop.CanarySource && s.Type == loop.CanaryType &&
		!s.Time.IsZero() && m.Now().Sub(s.Time) > loop.CanaryKeep
}

type heading struct {
	Source string    `json:"source"`
	Type   string    `json:"type"`
	Time   time.Time `json:"time"`
}
