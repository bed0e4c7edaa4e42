package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// tally counts what one batch cost.
type tally struct{ requests, hedged, rounds int }

// sending is one batch under way. Only the goroutine of deliver touches it; requests report over a channel.
type sending struct {
	*Client
	open    []event
	results []Result
	ready   []time.Time // per endpoint: not before, by its own Retry-After
	barred  []bool      // per endpoint: no use to ask again
	until   time.Time   // when the time of the batch is over
	tally   *tally
}

// answer is what one request brought.
type answer struct {
	endpoint int
	events   []event
	verdicts []Verdict
	err      error
}

// deliver sends one batch until every event is accepted or refused, the regions all bar the caller, or the time
// is over. Each round asks the regions in turn; between two rounds it waits with jitter.
func (c *Client) deliver(ctx context.Context, batch []event, results []Result, t *tally) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	n := len(c.cfg.Endpoints)
	s := &sending{
		Client: c, open: batch, results: results, tally: t,
		ready: make([]time.Time, n), barred: make([]bool, n), until: c.cfg.Now().Add(c.cfg.Timeout),
	}
	for round := 0; ; round++ {
		t.rounds++
		s.race(ctx)
		if len(s.open) == 0 || s.allBarred() || !s.pause(ctx, s.wait(round)) {
			return
		}
	}
}

// wait is the backoff, and no shorter than the first region needs that asked for time.
func (s *sending) wait(round int) time.Duration {
	earliest := time.Duration(-1)
	for i, at := range s.ready {
		if d := max(at.Sub(s.cfg.Now()), 0); !s.barred[i] && (earliest < 0 || d < earliest) {
			earliest = d
		}
	}
	return max(s.cfg.Backoff.next(round), earliest)
}

// race asks the regions, the preferred one first: the next one at once when a region fails, and with hedging also
// when it is slow. The first answer wins and ends the other requests; what they did meanwhile is a copy.
func (s *sending) race(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	order := s.order()
	answers := make(chan answer, len(order))
	var running []int // endpoints that have not answered
	allowed := 1
	start := func() {
		i := order[0]
		order = order[1:]
		running = append(running, i)
		s.tally.requests++
		events := s.open
		go func() { answers <- s.ask(ctx, i, events) }()
	}
	if len(order) == 0 {
		return
	}
	start()
	slow := time.NewTimer(s.cfg.HedgeAfter)
	defer slow.Stop()
	for len(running) > 0 {
		select {
		case a := <-answers:
			running = slices.DeleteFunc(running, func(i int) bool { return i == a.endpoint })
			s.settle(ctx, a)
			if len(s.open) == 0 {
				for _, overtaken := range running {
					s.rests[overtaken].failed(s.cfg.Now())
				}
				return
			}
			if len(running) < allowed && len(order) > 0 && ctx.Err() == nil {
				start()
				slow.Reset(s.cfg.HedgeAfter)
			}
		case <-slow.C:
			if s.cfg.Hedge && allowed == 1 && len(order) > 0 {
				allowed = 2
				s.tally.hedged++
				start()
			}
		}
	}
}

// order lists the regions to ask in this round, as configured, those that rest after the others, without those
// that asked for time or bar the caller.
func (s *sending) order() []int {
	now := s.cfg.Now()
	var order, last []int
	for i := range s.cfg.Endpoints {
		switch {
		case s.barred[i] || s.ready[i].After(now):
		case s.rests[i].last(now):
			last = append(last, i)
		default:
			order = append(order, i)
		}
	}
	return append(order, last...)
}

func (s *sending) ask(ctx context.Context, i int, events []event) answer {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Attempt)
	defer cancel()
	bodies := make([]json.RawMessage, len(events))
	for k, e := range events {
		bodies[k] = e.body
	}
	verdicts, err := s.cfg.Endpoints[i].Via.Deliver(ctx, bodies)
	if len(verdicts) != len(events) && (err == nil || verdicts != nil) {
		verdicts, err = nil, &Unavailable{Cause: fmt.Errorf("%d verdicts for %d events", len(verdicts), len(events))}
	}
	return answer{i, events, verdicts, err}
}

// settle takes an answer in. Accepted and refused are final; everything else stays open with its reason.
func (s *sending) settle(ctx context.Context, a answer) {
	region := s.cfg.Endpoints[a.endpoint].Region
	for k, v := range a.verdicts {
		r := &s.results[a.events[k].index]
		if r.State != Open {
			continue // an earlier answer settled it
		}
		r.State, r.Code, r.Detail = v.State, v.Code, v.Detail
		if v.State == Accepted {
			r.Region, r.Copies = region, v.Copies
		}
	}
	switch {
	case a.err == nil:
		s.rests[a.endpoint].answered()
	case ctx.Err() == nil: // the caller's impatience says nothing of the region
		s.rests[a.endpoint].failed(s.cfg.Now())
	}
	if a.err != nil {
		s.failed(a, region)
	}
	open := make([]event, 0, len(s.open))
	for _, e := range s.open {
		if s.results[e.index].State == Open {
			open = append(open, e)
		}
	}
	s.open = open
}

func (s *sending) failed(a answer, region string) {
	code := loop.CodeUnavailable
	if u, ok := errors.AsType[*Unavailable](a.err); ok && u.RetryAfter > 0 {
		s.ready[a.endpoint] = s.cfg.Now().Add(u.RetryAfter)
	}
	if b, ok := errors.AsType[*Barred](a.err); ok {
		s.barred[a.endpoint], code = true, b.Code
	}
	if a.verdicts != nil {
		return // they say more
	}
	for _, e := range a.events {
		if r := &s.results[e.index]; r.State == Open {
			r.Code, r.Detail = code, region+": "+a.err.Error()
		}
	}
}

func (s *sending) allBarred() bool { return !slices.Contains(s.barred, false) }

// pause waits for d, unless the time of the batch would be over by then: waiting in vain helps nobody.
func (s *sending) pause(ctx context.Context, d time.Duration) bool {
	if s.cfg.Now().Add(d).After(s.until) {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
