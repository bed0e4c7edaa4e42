// Package salvage moves what is stranded in a drained region's queues to the same queues of a region that is well. A
// drained region's own functions go on, so that nothing is stranded while they work; where they do not, `inbox` and what
// only this region has would wait for its repair.
//
// A message is sent to the peer first and deleted afterwards. Whoever dies in between leaves it in both regions, and
// it is an ordinary redelivery: ids collapse. Nothing is ever in neither.
//
// What stays: standby copies, because their first copies are in the peer, and one region should not hold both; canaries,
// because they measure the region that they are in; and what is no envelope of this version. A canary that nobody waits for
// any more is dropped: some a minute would soon stand before everything else. Of a mirrored signal
// the peer has a standby copy, which it has seen to long before a region has been drained for Settle.
//
// A queue cannot be asked for what would move. Whatever is visible is received, and two things follow for what stays. It
// lies hidden while the pass goes on over what is behind it, and is given back at its end: its own region waits for it for
// a second or two, for half a minute behind thousands, and for hold where the salvager died. That delays a standby copy by as
// much, once, and only one that lay there although its region's functions were free to take it. And each look counts as a
// receive: what has been received Renew times is put into the same queue anew, so that it is not salvage that makes a
// dead letter of it. That ends when it was accepted loop.SourceRetention ago, for loop.ClaimKeep rests on that: a standby
// copy is deleted then, as SQS would have done, and what else is as old, or nobody can read, becomes a dead letter.
//
// The package knows no AWS, and is told the time.
package salvage

import (
	"context"
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

// Mover moves messages from one region to another. Several may move from the same region at once.
type Mover struct {
	Queues   Queues
	From, To string
	Now      func() time.Time
}

// Done is what became of messages.
type Done struct {
	Moved, Stayed, Dropped int

	// Expired are standby copies that were accepted longer ago than a message lives, and were deleted instead of renewed.
	Expired int

	// Worn is the highest number of receives, from Renew on, of a message whose send or deletion failed; 0 where there was
	// none.
	Worn int
}

func (d Done) and(o Done) Done {
	return Done{d.Moved + o.Moved, d.Stayed + o.Stayed, d.Dropped + o.Dropped, d.Expired + o.Expired, max(d.Worn, o.Worn)}
}
