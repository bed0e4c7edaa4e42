package observe

import (
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// An input is stalled once it has been silent for stallAfter times what it declares, and has recovered once it has been
// heard without such a gap for steadyFor times that, and for steadyLeast at least: a single signal is no recovery.
const (
	stallAfter  = 2
	steadyFor   = 5
	steadyLeast = 5 * time.Minute
)

// Expectation is what an input declares.
type Expectation struct {
	Every   time.Duration
	Each    bool     // every region has a share of its own, and one that falls silent is a stall; otherwise all must
	Regions []string // of the loop
}

// Judge looks at an input once. heard says when each region last took a signal of it; a region that is not there never
// did. A zero w begins the watch.
//
//	               heard, no gap        silent
//	not stalled    not stalled          stalled: the standby is active
//	stalled        stalled, steady      stalled, steady no more
//	  steady long  not stalled
//
// It is pure, and observers that see different notes do no harm: one that does not hear keeps the standby active, and
// what the standby brings twice has the same ids.
func Judge(w loop.Watched, e Expectation, heard map[string]time.Time, now time.Time) loop.Watched {
	if w.Began.IsZero() {
		w.Began, w.Since = now, now
	}
	silent := e.silent(w.Began, heard, now)
	stalled := len(silent) == len(e.Regions) || e.Each && len(silent) > 0
	switch {
	case stalled && !w.Stalled:
		w.Silent = silent
		return switched(w, now)
	case stalled:
		w.Steady = time.Time{}
	case w.Stalled && w.Steady.IsZero():
		w.Steady = now
	case w.Stalled && now.Sub(w.Steady) >= max(steadyFor*e.Every, steadyLeast):
		w.Silent = nil
		return switched(w, now)
	}
	return w
}

func switched(w loop.Watched, now time.Time) loop.Watched {
	w.Stalled, w.N, w.Since, w.Steady, w.Pending = !w.Stalled, w.N+1, now, time.Time{}, true
	return w
}

// silent are the regions that have heard nothing for too long, in the order of the file.
func (e Expectation) silent(began time.Time, heard map[string]time.Time, now time.Time) (regions []string) {
	for _, region := range e.Regions {
		last := heard[region]
		if last.Before(began) {
			last = began
		}
		if now.Sub(last) >= stallAfter*e.Every {
			regions = append(regions, region)
		}
	}
	return slices.Clip(regions)
}
