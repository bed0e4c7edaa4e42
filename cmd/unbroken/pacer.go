package main

import (
	"context"
	"time"

	"example.com/unbroken/client"
)

// pacer lets signals go at the pace of their own times: the first one now, each other one as much later as it was
// then, divided by speed. Speed 0 never waits.
type pacer struct {
	speed float64
	now   func() time.Time
	wait  func(context.Context, time.Duration) error

	start time.Time // when the first one went
	first time.Time // its own time
}

// due waits until the first of the signals is due and says how many are, at most limit. It fails only when ctx
// ends. Lateness is made up for: a slow send delays nothing but itself.
func (p *pacer) due(ctx context.Context, signals []client.Signal, limit int) (int, error) {
	limit = min(limit, len(signals))
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if p.speed == 0 {
		return limit, nil
	}
	if p.start.IsZero() {
		p.start, p.first = p.now(), signals[0].Time
	}
	if ahead := p.at(signals[0]).Sub(p.now()); ahead > 0 {
		if err := p.wait(ctx, ahead); err != nil {
			return 0, err
		}
	}
	n, now := 1, p.now()
	for n < limit && !p.at(signals[n]).After(now) {
		n++
	}
	return n, nil
}

// at is when a signal is due.
func (p *pacer) at(s client.Signal) time.Time {
	return p.start.Add(time.Duration(float64(s.Time.Sub(p.first)) / p.speed))
}
