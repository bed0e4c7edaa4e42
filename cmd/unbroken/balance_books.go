package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
)

// booksResult is the ledger, compared.
type booksResult struct {
	Since    string `json:"since"`
	Accepted int    `json:"accepted"`
	Young    int    `json:"young"`
	Effects  int    `json:"effects"`
	Gaps     int    `json:"gaps"` // ended by their claims, though the ledger lacks the line
	Open     []owed `json:"open"` // still tried, or parked
	Lost     []owed `json:"missing"`
}

// owed is what has no end in the ledger, and what its claim says.
type owed struct {
	ledger.Open
	State string `json:"state"`
}

func (o owed) what() string {
	if o.Effect != "" {
		return "effect " + o.Effect + " of signal " + o.Signal
	}
	return "decision on signal " + o.Signal
}

// docsOf reads documents that a region wrote: there, or else wherever they have been replicated to.
func (r *reach) docsOf(ctx context.Context, region, name string) (map[string]json.RawMessage, error) {
	var errs []error
	tables := []string{region}
	for _, other := range r.cfg.Regions.Loop {
		if other != region {
			tables = append(tables, other)
		}
	}
	for _, table := range tables {
		one, cancel := callContext(ctx)
		docs, err := r.Docs.Query(one, table, name)
		cancel()
		if err == nil {
			return docs, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// books reads all hours of all regions, compares, and looks up what is open.
func (r *reach) books(ctx context.Context, g *globals, w *world, c balanceCmd, regions []string, b *balance) error {
	now := w.Now()
	var names []struct{ region, name string }
	for _, region := range regions {
		for hour := now.Add(-c.Since).Truncate(time.Hour); !hour.After(now); hour = hour.Add(time.Hour) {
			names = append(names, struct{ region, name string }{region, ledger.Name(region, hour)})
		}
	}
	var (
		mu      sync.Mutex
		entries []ledger.Entry
		done    int
		shown   = w.progress(g)
		group   errgroup.Group
	)
	group.SetLimit(8)
	for _, n := range names {
		group.Go(func() error {
			docs, err := r.docsOf(ctx, n.region, n.name)
			got, derr := ledger.Decode(docs)
			mu.Lock()
			defer mu.Unlock()
			if done++; err != nil || derr != nil {
				b.Missing = append(b.Missing, n.name+": "+short(errors.Join(err, derr)))
			}
			entries = append(entries, got...)
			shown.show(done, len(names), "hours of the ledger")
			return nil
		})
	}
	_ = group.Wait() // what could not be read is named
	shown.end()

	found := ledger.Compare(entries, now.Add(-c.After))
	b.Ledger = booksResult{Since: c.Since.String(), Accepted: found.Accepted, Young: found.Young, Effects: found.Effects, Open: []owed{}, Lost: []owed{}}
	for _, o := range found.Open {
		r.judge(ctx, regions, now, o, &b.Ledger)
	}
	if n := len(b.Ledger.Lost); n > 0 {
		b.Problems = append(b.Problems, fmt.Sprintf("%d of the sample are missing: about %d in all", n, 100*n))
	}
	return ctx.Err()
}

// judge asks the claim of what the ledger has as open: the ledger may lack a line, the claim may not.
func (r *reach) judge(ctx context.Context, regions []string, now time.Time, o ledger.Open, l *booksResult) {
	if o.Effect == "" {
		l.Lost = append(l.Lost, owed{o, "accepted, and decide was never through with it"})
		return
	}
	c, err := r.claim(ctx, regions, o.Effect)
	switch {
	case errors.Is(err, loop.ErrNotFound):
		l.Lost = append(l.Lost, owed{o, "decided, and never claimed"})
	case err != nil:
		l.Open = append(l.Open, owed{o, "its claim cannot be read: " + short(err)})
	case c.Status == loop.StatusParked:
		l.Open = append(l.Open, owed{o, "parked: " + c.Evidence})
	case c.Status.Terminal():
		l.Gaps++
	case now.After(c.ExpiresAt()):
		l.Lost = append(l.Lost, owed{o, "claimed, expired, and nobody ended it"})
	default:
		l.Open = append(l.Open, owed{o, "claimed, " + plural(c.Attempt, "failed attempt") + ": " + c.Evidence})
	}
}
