package main

import (
	"context"
	"errors"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
)

// mover redrives one queue, region by region.
type mover struct {
	redriveCmd
	*reach
	w   *world
	who string
}

func (m *mover) region(ctx context.Context, g *globals, region string) (r redriven) {
	r.Region = region
	if r.Found, r.Left, r.err = m.waiting(ctx, region); r.err != nil {
		return r
	}
	if m.DryRun {
		r.Sample, r.err = m.sample(ctx, region)
		return r
	}
	shown := m.w.progress(g)
	defer shown.end()
	switch {
	case m.Renew && r.Found > 0:
		if r.err = m.audited(ctx, region, r); r.err == nil {
			m.here(ctx, &r, shown)
			r.err = errors.Join(r.err, m.audited(context.WithoutCancel(ctx), region, r))
		}
	case !m.Renew:
		m.bySQS(ctx, &r, shown)
	}
	if r.err == nil && r.Found > 0 {
		_, r.Left, r.err = m.waiting(ctx, region)
	}
	return r
}

// waiting counts the dead letters that can be moved now, and all of them: what was received and left is hidden.
func (m *mover) waiting(ctx context.Context, region string) (movable, all int, err error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	visible, inFlight, _, err := m.Queues.Depth(ctx, region, loop.DeadLetter(m.Queue))
	return visible, visible + inFlight, err
}

// Pauses between two questions how far SQS is, and how often a move that was started may be unknown to it.
const (
	movePause = 2 * time.Second
	moveNews  = 15
)

// bySQS lets SQS move, or watches a move that runs already, or moves here where the endpoint cannot.
func (m *mover) bySQS(ctx context.Context, r *redriven, shown *progress) {
	last, err := m.lastMove(ctx, r.Region)
	switch {
	case errors.Is(err, queue.ErrNoMove):
		m.here(ctx, r, shown)
		return
	case err != nil:
		r.err = err
		return
	case !last.Running && r.Found == 0:
		return
	}
	r.How = "sqs"
	before := last.Started
	if last.Running {
		before--
	} else if r.err = m.startMove(ctx, r.Region); r.err != nil {
		return
	}
	for unknown := 0; ; {
		if last, r.err = m.lastMove(ctx, r.Region); r.err != nil {
			r.err = errors.New("the move goes on by itself; run the command again to watch it: " + short(r.err))
			return
		}
		switch {
		case last.Started == before && unknown < moveNews:
			unknown++ // the list lags behind
		case last.Running:
			shown.show(int(last.Moved), max(int(last.Total), r.Found), "messages in "+r.Region)
		default:
			if r.Moved = int(last.Moved); last.Failure != "" {
				r.keep("SQS stopped moving: " + last.Failure)
			}
			return
		}
		if r.err = m.w.Wait(ctx, movePause); r.err != nil {
			r.err = errors.New("the move goes on by itself; run the command again to watch it: " + short(r.err))
			return
		}
	}
}

func (m *mover) startMove(ctx context.Context, region string) error {
	ctx, cancel := callContext(ctx)
	defer cancel()
	return m.Queues.StartMove(ctx, region, m.Queue, m.Rate)
}

func (m *mover) lastMove(ctx context.Context, region string) (queue.Move, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	return m.Queues.LastMove(ctx, region, m.Queue)
}
