package salvage

import (
	"context"
	"errors"
	"fmt"
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

	// lasting bounds a run in time: the next one begins a minute after this one did.
	lasting = 30 * time.Second

	// Longest is what a run may take with what was begun at its end.
	Longest = lasting + wait + answer + finish + answer

	// reserve of a region's time for each queue that is still to come.
	reserve = 3 * time.Second

	// rest is for a queue in which something fails that has been received Renew times: each look brings that nearer to the
	// dead letters. From the second pass in a row that fails it is four times as long with every receive, so that two
	// salvagers do not use up the other half in the four days that a message lives. What failed once and then went well costs
	// this much, whoever had received the message how often before.
	rest    = time.Minute
	longest = 8 // times four: more than a month
)

// Worker salvages for its own region, run after run. It asks its own table what the regions are meant to do.
type Worker struct {
	Region string
	States func(ctx context.Context, table string) (map[string]region.View, error)
	Queues Queues
	Now    func() time.Time

	resting map[place]time.Time // until when
	failed  map[place]int       // passes in a row after which it had to rest
}

type place struct{ region, queue string }

// Report is what a run did, by the region that was salvaged.
type Report map[string]Done

// Run moves what it can from every region that is due, within its bounds. Each has its share of the time, so that one
// that does not answer costs the others nothing.
func (w *Worker) Run(ctx context.Context) (Report, error) {
	until := w.Now().Add(lasting)
	views, err := w.views(ctx)
	if err != nil {
		return nil, err
	}
	report := Report{}
	var errs []error
	due := Due(w.Now(), w.Region, views)
	for i, from := range due {
		now := w.Now()
		mine := until.Sub(now) / time.Duration(len(due)-i)
		done, err := w.region(ctx, Mover{Queues: w.Queues, From: from, To: w.Region, Now: w.Now}, now.Add(mine))
		report[from], errs = done, append(errs, err)
	}
	return report, errors.Join(errs...)
}

func (w *Worker) views(ctx context.Context) (map[string]region.View, error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	return w.States(ctx, w.Region)
}

// region goes through the queues of a region once. What fails at one keeps no other: the next run will see.
func (w *Worker) region(ctx context.Context, m Mover, until time.Time) (all Done, _ error) {
	var errs []error
	queues := Order()
	for i, queue := range queues {
		now, at := w.Now(), place{m.From, queue}
		if wake := w.resting[at]; now.Before(wake) {
			errs = append(errs, fmt.Errorf("salvage %s from %s: left alone until %s, because a send or a deletion failed of what has often been received",
				queue, m.From, wake.UTC().Format(time.RFC3339)))
			continue
		}
		p, err := m.Pass(ctx, queue, perRun-all.Moved, share(now, until, len(queues)-i-1), nil)
		all, errs = all.and(p.Done), append(errs, err)
		w.rest(at, now, p.Done)
	}
	return all, errors.Join(errs...)
}

// rest says until when a queue is left alone after a pass.
func (w *Worker) rest(at place, now time.Time, d Done) {
	if d.Worn == 0 {
		delete(w.failed, at)
		return
	}
	if w.failed == nil {
		w.failed, w.resting = map[place]int{}, map[place]time.Time{}
	}
	w.failed[at]++
	pause := rest
	if w.failed[at] > 1 {
		pause = rest << (2 * min(d.Worn-Renew, longest))
	}
	w.resting[at] = now.Add(pause)
}

// share ends the time of a queue: what is left without the reserve of those to come, or its part where that is more.
func share(now, until time.Time, toCome int) time.Time {
	left := until.Sub(now)
	return now.Add(max(left-time.Duration(toCome)*reserve, left/time.Duration(toCome+1)))
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
