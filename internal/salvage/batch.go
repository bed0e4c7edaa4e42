package salvage

import (
	"context"
	"errors"
	"slices"

	"example.com/unbroken/internal/loop"
)

const (
	atATime = 10

	// Renew is how often a message that stays may have been received before it is sent to its own queue anew, with which its
	// receives count from zero, and SQS's retention, too: see young. It is half of what makes a dead letter: the other half
	// is the region's own functions' to fail with, and for sends that fail here.
	Renew = 10
)

// batch is what became of up to ten messages. The handles of those that stay are still in hand.
type batch struct {
	Done
	received int
	staying  []string
	receives map[string]int // by handle
}

// worn is the highest number of receives of some that failed, where it is Renew at least.
func (b batch) worn(handles ...string) (n int) {
	for _, h := range handles {
		if b.receives[h] >= Renew {
			n = max(n, b.receives[h])
		}
	}
	return n
}

// sorted is a batch by what is to be done with it.
type sorted struct {
	moving, worn []loop.Outgoing
	going, old   []string // their handles
	staying      []string // of those that stay as they are
	late, past   []string
}

// batch moves, renews and drops what it has to of the messages that are visible, at most ten.
func (m Mover) batch(ctx context.Context, queue string, limit int) (b batch, err error) {
	got, err := m.receive(ctx, queue, limit)
	if err != nil || len(got) == 0 {
		return b, err
	}
	// What was begun is ended, or messages would be hidden for as long as they are held.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finish)
	defer cancel()
	s := m.sort(queue, got)
	gone := slices.Concat(s.late, s.past)
	b.received, b.Dropped, b.Expired, b.staying, b.receives = len(got), len(s.late), len(s.past), s.staying, map[string]int{}
	for _, msg := range got {
		b.receives[msg.Handle] = msg.Receives
	}
	for i, failed := range m.send(ctx, m.To, queue, s.moving) {
		if failed != nil {
			err, b.staying = errors.Join(err, failed), append(b.staying, s.going[i])
			b.Worn = max(b.Worn, b.worn(s.going[i]))
			continue
		}
		b.Moved, gone = b.Moved+1, append(gone, s.going[i])
	}
	for i, failed := range m.send(ctx, m.From, queue, s.worn) {
		if failed != nil {
			err, b.staying = errors.Join(err, failed), append(b.staying, s.old[i])
			b.Unrenewed = max(b.Unrenewed, b.worn(s.old[i]))
			continue
		}
		gone = append(gone, s.old[i])
	}
	b.Stayed = len(s.staying) + len(s.old)
	if len(gone) > 0 {
		if failed := m.Queues.Delete(ctx, m.From, queue, gone); failed != nil {
			err, b.Worn = errors.Join(err, failed), max(b.Worn, b.worn(gone...))
		}
	}
	return b, err
}

func (m Mover) receive(ctx context.Context, queue string, limit int) ([]loop.Received, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+answer)
	defer cancel()
	return m.Queues.Receive(ctx, m.From, queue, min(limit, atATime), wait, hold)
}

// sort says what is to be done. What stays in inbox is not renewed: the region's ingest gives it up, too.
func (m Mover) sort(queue string, got []loop.Received) (s sorted) {
	for _, msg := range got {
		again := loop.Outgoing{Body: msg.Body, Group: msg.Group}
		items := read(queue, msg.Body)
		switch {
		case m.late(queue, msg.Body, items):
			s.late = append(s.late, msg.Handle)
		case !stays(queue, msg.Body, items):
			s.moving, s.going = append(s.moving, again), append(s.going, msg.Handle)
		case msg.Receives >= Renew && every(items, m.young):
			s.worn, s.old = append(s.worn, again), append(s.old, msg.Handle)
		case msg.Receives >= Renew && every(items, m.past):
			s.past = append(s.past, msg.Handle)
		default:
			s.staying = append(s.staying, msg.Handle)
		}
	}
	return s
}

func (m Mover) send(ctx context.Context, to, queue string, msgs []loop.Outgoing) []error {
	if len(msgs) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answer) // something is left for the deletion of what was sent before
	defer cancel()
	return m.Queues.Send(ctx, to, queue, msgs)
}
