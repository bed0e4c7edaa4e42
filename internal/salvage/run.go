package salvage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"example.com/unbroken/internal/region"
)

const (
	// Settle is how long a region has to be drained before anything is moved from it: what it accepted before has had
	// its standby delay (20 s) many times over, and a region's functions that work have emptied its queues.
	Settle = 2 * time.Minute

	// perRun bounds what one run moves from a region: about 30 a second, as runs are a minute apart.
	perRun = 2000

	// enough batches in which everything stayed, one after the other: the rest will be of the same kind. Each look
	// counts as a receive.
	enough = 2

	// lasting bounds a run in time: the next one begins a minute after this one did. A batch that was begun takes finish
	// more at most.
	lasting = 35 * time.Second
)

// Worker salvages for its own region, run after run. It asks its own table what the regions are meant to do.
type Worker struct {
	Region string
	States func(ctx context.Context, table string) (map[string]region.View, error)
	Queues Queues
	Now    func() time.Time
}

// Report is what a run did, by the region that was salvaged.
type Report map[string]Batch

// Run moves what it can from every region that is due, within its bounds. A region that does not answer
// costs the others nothing but time.
func (w *Worker) Run(ctx context.Context) (Report, error) {
	views, err := w.States(ctx, w.Region)
	if err != nil {
		return nil, err
	}
	until := w.Now().Add(lasting)
	report := Report{}
	var errs []error
	for _, from := range Due(w.Now(), w.Region, views) {
		done, err := w.region(ctx, Mover{Queues: w.Queues, From: from, To: w.Region, Now: w.Now}, until)
		report[from], errs = done, append(errs, err)
	}
	return report, errors.Join(errs...)
}

func (w *Worker) region(ctx context.Context, m Mover, until time.Time) (all Batch, err error) {
	for _, queue := range Order() {
		for stayed := 0; stayed < enough && all.Moved < perRun && w.Now().Before(until); {
			b, err := m.Batch(ctx, queue, perRun-all.Moved, 0)
			all.Moved, all.Stayed, all.Dropped = all.Moved+b.Moved, all.Stayed+b.Stayed, all.Dropped+b.Dropped
			if err != nil {
				return all, err // the region, or this one, is in trouble: the next run will see
			}
			switch {
			case b == Batch{}:
				stayed = enough // empty
			case b.Moved+b.Dropped == 0:
				stayed++
			default:
				stayed = 0
			}
		}
	}
	return all, nil
}

// Due are the regions to salvage for one that is well: drained for Settle, and refusing what is new. A region that is
// drained itself, or that two object to, takes nothing: two that salvaged each other would move messages for ever.
func Due(now time.Time, own string, views map[string]region.View) (due []string) {
	states := region.Judge(now, views)
	if states[own].State != region.Active || views[own].Objections(now) >= region.Quorum {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		s := states[name]
		if name != own && s.State == region.Drained && now.Sub(s.DrainedSince()) >= Settle && region.Refuses(now, name, views) {
			due = append(due, name)
		}
	}
	return due
}
