package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Records are JSON records that all regions see alike, in `claims`.
type Records interface {
	// Load reads a record and its revision; nil and 0 where there is none.
	Load(ctx context.Context, key string) (doc json.RawMessage, rev int64, err error)
	// Store writes a record if the one that stands has revision standing, 0 for none; otherwise loop.ErrConflict.
	Store(ctx context.Context, key string, doc any, standing int64) error
}

// lease is how long one region reads undisturbed, longer than its function may run. What a dead one did not finish,
// another region reads at its next turn.
const lease = 45 * time.Second

// Poller asks for what nobody pushes. It runs once a minute in every loop region, and the cursor decides which one reads.
type Poller struct {
	acceptor *Acceptor
	records  Records
	meter    Meter
	fetcher  Fetcher
}

// NewPoller makes the poller of all inputs of kind poll.
func NewPoller(a *Acceptor, records Records, meter Meter, fetcher Fetcher) *Poller {
	return &Poller{acceptor: a, records: records, meter: meter, fetcher: fetcher}
}

// turnTime bounds what one input may take of a run: with it, what answers is stored before the function's time is up.
const turnTime = 20 * time.Second

// abreast is how many inputs are read at once: as many connections as one endpoint of them all is asked to bear.
const abreast = 16

// Run polls the inputs that are due, many at once: one that hangs costs its own turn only. What fails of one is read by
// the next run.
func (p *Poller) Run(ctx context.Context) error {
	var mu sync.Mutex
	var errs []error
	var eg errgroup.Group
	eg.SetLimit(abreast)
	for name, in := range p.acceptor.cfg.Inputs {
		if in.Kind != loop.KindPoll {
			continue
		}
		eg.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, turnTime)
			defer cancel()
			if err := p.poll(ctx, name, in); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("poll input %s: %w", name, err))
			}
			return nil
		})
	}
	_ = eg.Wait() // what failed stands in errs
	return errors.Join(errs...)
}

func (p *Poller) poll(ctx context.Context, name string, in loop.Input) error {
	wanted, back, err := p.wanted(ctx, name)
	if err != nil || !wanted {
		return err
	}
	now := p.acceptor.cfg.Now().UTC()
	cursor, rev, err := p.cursor(ctx, name)
	if err != nil {
		return err
	}
	end := due(in, now)
	if !cursor.Through.Before(end) || cursor.Owner != "" && now.Before(cursor.Until) {
		return nil // another region has read it, or is about to
	}
	held := cursor
	held.Owner, held.Until = p.acceptor.cfg.Region, now.Add(lease)
	switch err := p.records.Store(ctx, loop.CursorKey(name), held, rev); {
	case errors.Is(err, loop.ErrConflict):
		return nil // another region was first
	case err != nil:
		return err
	}
	read := p.metrics
	if in.URL != "" {
		read = p.page
	}
	arrivals, next, err := read(ctx, name, in, cursor, span{end: end, back: back})
	if err == nil {
		err = p.accept(ctx, name, arrivals)
	}
	if err != nil {
		return err // the lease ends by itself, and the next turn reads the same again
	}
	next.Through = end
	if err := p.records.Store(ctx, loop.CursorKey(name), next, rev+1); err != nil && !errors.Is(err, loop.ErrConflict) {
		return err
	}
	return nil // with a conflict another region took over, and what both sent has the same ids
}

// span is what a turn reads: up to end, and where that is about the past, so far back.
type span struct {
	end  time.Time
	back time.Duration
}

// due is the end of what can be read now.
func due(in loop.Input, now time.Time) time.Time {
	if in.URL == "" {
		now = now.Add(-settle)
	}
	return now.Truncate(in.Every.Std())
}

// accept stores what was read; what is refused for good has been counted.
func (p *Poller) accept(ctx context.Context, name string, arrivals []Arrival) error {
	for _, r := range p.acceptor.Accept(ctx, name, arrivals) {
		if loop.CodeOf(r.Err) == loop.CodeUnavailable {
			return r.Err
		}
	}
	return nil
}

// wanted says whether the input is to be read, and how far back. One that stands by for others is read while one of
// them is stalled, and further back: there is what was missed before that was noticed.
func (p *Poller) wanted(ctx context.Context, name string) (wanted bool, back time.Duration, err error) {
	alone := true
	for primary, in := range p.acceptor.cfg.Inputs {
		if in.Standby != name {
			continue
		}
		alone = false
		raw, _, err := p.records.Load(ctx, loop.WatchedKey(primary))
		if err != nil {
			return false, 0, err
		}
		var w loop.Watched
		if raw != nil {
			if err := json.Unmarshal(raw, &w); err != nil {
				return false, 0, fmt.Errorf("read how %s fares: %w", primary, err)
			}
		}
		if w.Stalled {
			wanted, back = true, max(back, 3*in.ExpectEvery.Std())
		}
	}
	return wanted || alone, back + lookBack, nil
}

func (p *Poller) cursor(ctx context.Context, name string) (c loop.Cursor, rev int64, err error) {
	raw, rev, err := p.records.Load(ctx, loop.CursorKey(name))
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return c, 0, fmt.Errorf("read the cursor: %w", err)
	}
	return c, rev, nil
}
