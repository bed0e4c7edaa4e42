package backtest

import (
	"context"
	"errors"
	"io"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Config is what a Run needs.
type Config struct {
	Old    *loop.Config // nil where there is nothing to compare with
	New    *loop.Config
	Source Source
	// Seen is called for every batch, in order, from one goroutine.
	Seen    func(Step) error
	Workers int // cores where zero
}

// Step is one batch in order.
type Step struct {
	Signals int
	Oldest  time.Time // event time of the first
	Newest  time.Time // and of the newest so far
	Refused []Refused
	Old     *Outcome // nil where there are no old rules
	New     Outcome
}

// Run decides the whole source. Reading, deciding and counting overlap; batches are decided on all cores and seen in
// order. What is in memory at once is a few batches and the windows.
func Run(ctx context.Context, c Config) error {
	workers := c.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	sides, err := newSides(c.Old, c.New)
	if err != nil {
		return err
	}
	jobs, ordered := make(chan *batch), make(chan *batch, 2*workers)
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error {
		defer close(jobs)
		defer close(ordered)
		return read(ctx, c.Source, len(sides.all()), jobs, ordered)
	})
	for range workers {
		eg.Go(func() error {
			for b := range jobs {
				b.decide(ctx, sides)
			}
			return nil
		})
	}
	eg.Go(func() error {
		for b := range ordered {
			select {
			case <-b.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if b.err != nil {
				return b.err
			}
			if err := c.Seen(b.step()); err != nil {
				return err
			}
		}
		return nil
	})
	return eg.Wait()
}

// read cuts the source into batches and lines them up.
func read(ctx context.Context, source Source, sides int, jobs, ordered chan<- *batch) error {
	before := make([]chan struct{}, sides)
	for i := range before {
		before[i] = make(chan struct{})
		close(before[i]) // the first batch waits for nobody
	}
	var newest time.Time
	for end := false; !end; {
		b := &batch{records: make([]Record, 0, batchSize), done: make(chan struct{})}
		for len(b.records) < batchSize {
			r, err := source.Next()
			if errors.Is(err, io.EOF) {
				end = true
				break
			}
			if err != nil {
				return err
			}
			if r.At.After(newest) {
				newest = r.At
			}
			b.records = append(b.records, r)
		}
		b.newest = newest
		for i := range before {
			after := make(chan struct{})
			b.turns = append(b.turns, turn{before[i], after})
			before[i] = after
		}
		for _, to := range []chan<- *batch{ordered, jobs} {
			select {
			case to <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// sides are the parts that the rules fall into; each may be nil.
type sides struct {
	shared, old, new *side
	compared         bool
}

func newSides(old, now *loop.Config) (sides, error) {
	shared, onlyOld, onlyNew, err := split(old, now)
	return sides{newSide(shared), newSide(onlyOld), newSide(onlyNew), old != nil}, err
}

func (s sides) all() []*side { return []*side{s.shared, s.old, s.new} }

// decide runs the batch through every part.
func (b *batch) decide(ctx context.Context, s sides) {
	defer close(b.done)
	events := b.events()
	parts := make([]Outcome, len(s.all()))
	for i, part := range s.all() {
		if part == nil {
			close(b.turns[i].after)
			continue
		}
		in, matched := items(part.set, events)
		out, err := part.decide(ctx, b.turns[i], in, b.newest)
		close(b.turns[i].after)
		if err != nil {
			b.err = errors.Join(b.err, err)
			continue
		}
		out.Matched = matched
		parts[i] = out
	}
	b.new = join(parts[0], parts[2])
	if s.compared {
		old := join(parts[0], parts[1])
		b.old = &old
	}
}

// join puts together what two parts of one file's rules made of a batch.
func join(a, b Outcome) Outcome {
	out := Outcome{
		Made: slices.Concat(a.Made, b.Made), Failed: slices.Concat(a.Failed, b.Failed), Late: slices.Concat(a.Late, b.Late),
		Matched: map[Place]int{},
	}
	slices.SortFunc(out.Made, compareMade)
	maps.Copy(out.Matched, a.Matched)
	maps.Copy(out.Matched, b.Matched)
	return out
}

func (b *batch) step() Step {
	s := Step{Signals: len(b.records), Newest: b.newest, Refused: b.refused, Old: b.old, New: b.new}
	if s.Signals > 0 {
		s.Oldest = b.records[0].At
	}
	return s
}
