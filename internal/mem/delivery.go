package mem

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// Delivery is a message in someone's hands, with the receipt that acknowledges it.
type Delivery struct {
	loop.Message
	Receipt string
	Group   string
}

// Receive takes up to limit messages that are visible now and hides them. One that has been received too often
// moves to the dead-letter queue instead.
func (q *Queues) Receive(region, queue string, limit int) []Delivery {
	at := address{region, queue}
	q.mu.Lock()
	now := q.cfg.Now()
	visible := make([]*stored, 0, limit)
	for _, s := range q.queues[at] {
		if !s.visible.After(now) {
			visible = append(visible, s)
		}
	}
	if q.cfg.Shuffle != nil {
		q.cfg.Shuffle(len(visible), func(i, j int) { visible[i], visible[j] = visible[j], visible[i] })
	}
	if f := q.fair[at]; f != nil {
		f.order(visible, q.queues[at], now)
	}
	var out []Delivery
	buried := 0
	for _, s := range visible {
		if len(out) == limit {
			break
		}
		if q.cfg.MaxReceive > 0 && s.receives >= q.cfg.MaxReceive && !strings.HasSuffix(queue, loop.DeadLetter("")) {
			q.bury(at, s)
			buried++
			continue
		}
		s.receives++
		q.receipts++
		s.receipt = s.id + "/" + strconv.Itoa(q.receipts)
		s.visible = now.Add(q.cfg.Visibility)
		out = append(out, Delivery{
			Message: loop.Message{ID: s.id, Body: slices.Clone(s.body), SentAt: s.sentAt, Receives: s.receives, Trace: s.trace},
			Receipt: s.receipt, Group: s.group,
		})
	}
	q.mu.Unlock()
	for range buried {
		q.arrived(address{region, loop.DeadLetter(queue)}, now)
	}
	return out
}

// bury moves a message to the dead-letter queue, where its receives count anew.
func (q *Queues) bury(from address, s *stored) {
	q.remove(from, s)
	s.receives, s.receipt = 0, ""
	to := address{from.region, loop.DeadLetter(from.queue)}
	q.queues[to] = append(q.queues[to], s)
}

func (q *Queues) remove(from address, s *stored) {
	q.queues[from] = slices.DeleteFunc(q.queues[from], func(o *stored) bool { return o == s })
}

// Ack deletes a message. It says false where the receipt is not its latest: then the message was delivered again
// in the meantime and stays, as SQS allows.
func (q *Queues) Ack(region, queue, receipt string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.held(address{region, queue}, receipt)
	if s == nil {
		return false
	}
	q.remove(address{region, queue}, s)
	return true
}

// Release gives a message back; it is visible again after the given time. A handler that fails leaves its message
// to the visibility timeout; Release is for what must be quicker.
func (q *Queues) Release(region, queue, receipt string, after time.Duration) bool {
	q.mu.Lock()
	s := q.held(address{region, queue}, receipt)
	if s == nil {
		q.mu.Unlock()
		return false
	}
	s.visible = q.cfg.Now().Add(after)
	visible := s.visible
	q.mu.Unlock()
	q.arrived(address{region, queue}, visible)
	return true
}

func (q *Queues) held(at address, receipt string) *stored {
	i := slices.IndexFunc(q.queues[at], func(s *stored) bool { return s.receipt == receipt && receipt != "" })
	if i < 0 {
		return nil
	}
	return q.queues[at][i]
}

// Next is when the next message becomes or became visible anywhere, for whoever moves the clock; false where there
// is none.
func (q *Queues) Next() (at time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, msgs := range q.queues {
		for _, s := range msgs {
			if !ok || s.visible.Before(at) {
				at, ok = s.visible, true
			}
		}
	}
	return at, ok
}

// Redrive moves everything from a queue's dead-letter queue back to it, as an operator does, and says how much; keep
// leaves a message where it is.
func (q *Queues) Redrive(region, queue string, keep func(body []byte) bool) int {
	from, to := address{region, loop.DeadLetter(queue)}, address{region, queue}
	q.mu.Lock()
	now, moved := q.cfg.Now(), 0
	q.queues[from] = slices.DeleteFunc(q.queues[from], func(s *stored) bool {
		if keep != nil && keep(s.body) {
			return false
		}
		s.receives, s.receipt, s.visible = 0, "", now
		q.queues[to] = append(q.queues[to], s)
		moved++
		return true
	})
	q.mu.Unlock()
	for range moved {
		q.arrived(to, now)
	}
	return moved
}

// Bodies returns what lies on a queue, in whoever's hands, for the books of a simulation.
func (q *Queues) Bodies(region, queue string) [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	bodies := make([][]byte, 0, len(q.queues[address{region, queue}]))
	for _, s := range q.queues[address{region, queue}] {
		bodies = append(bodies, slices.Clone(s.body))
	}
	return bodies
}

// Lose forgets every message of a region, as if the region were gone with its disks.
func (q *Queues) Lose(region string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for at := range q.queues {
		if at.region == region {
			delete(q.queues, at)
		}
	}
}
