package main

import (
	"context"
	"errors"
	"time"

	"example.com/unbroken/internal/loop"
)

// How messages are received here: hidden for long enough to be sent on, and waited for a moment, because a receive
// may find nothing where something is.
const (
	receiveWait = time.Second
	receiveHold = time.Minute
	maxEmpty    = 3
)

// here receives, sends and deletes. It moves no more than were there at the start, so that what fails again at once
// does not go round for ever.
func (m *mover) here(ctx context.Context, r *redriven, shown *progress) {
	r.How = "here"
	dead, handled := loop.DeadLetter(m.Queue), 0
	for empty := 0; handled < r.Found && empty < maxEmpty; {
		one, cancel := callContext(ctx)
		got, err := m.Queues.Receive(one, r.Region, dead, min(10, r.Found-handled), receiveWait, receiveHold)
		cancel()
		if err != nil {
			r.err = err
			return
		}
		if len(got) == 0 {
			empty++
			continue
		}
		empty, handled = 0, handled+len(got)
		if r.err = m.batch(ctx, r, got); r.err != nil {
			return
		}
		shown.show(handled, r.Found, "messages in "+r.Region)
		if r.err = m.w.Wait(ctx, time.Duration(len(got))*time.Second/time.Duration(m.Rate)); r.err != nil {
			return
		}
	}
}

// batch sends what was received and deletes what was sent. A crash between the two leaves a second copy.
func (m *mover) batch(ctx context.Context, r *redriven, got []loop.Received) error {
	out := make([]loop.Outgoing, 0, len(got))
	handles := make([]string, 0, len(got))
	for _, msg := range got {
		body := msg.Body
		if m.Renew {
			var err error
			if body, err = m.renewed(ctx, msg.Body); err != nil {
				r.keep(err.Error())
				continue
			}
		}
		out, handles = append(out, loop.Outgoing{Body: body, Group: msg.Group}), append(handles, msg.Handle)
	}
	ctx, cancel := callContext(context.WithoutCancel(ctx)) // what was begun is ended
	defer cancel()
	var sent []string
	var failed error
	for i, err := range m.Queues.Send(ctx, r.Region, m.Queue, out) {
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		sent = append(sent, handles[i])
	}
	r.Moved += len(sent)
	if len(sent) == 0 {
		return failed
	}
	return errors.Join(failed, m.Queues.Delete(ctx, r.Region, loop.DeadLetter(m.Queue), sent))
}
