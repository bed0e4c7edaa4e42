package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/unbroken/internal/region"
)

// behind is how far behind the observers a clock may be: what lies more than region.Fresh ahead of it is left out, and
// the newest verdicts are up to a minute old themselves.
const behind = region.Fresh - time.Minute

// What the person may do about it. Silence of all is an emergency more often than a wrong clock: there it comes first.
const (
	trustFirst = "run it again with --trust-clock if the clock is right: "
	trustLast  = "; --trust-clock orders it all the same"
)

// clock is nil unless the observers' verdicts speak against this machine's clock: everybody leaves out an order that is
// far ahead of his own, and this machine would leave out what is far ahead of its. Two observers say that a clock is
// behind, for one may lie. Where none is heard nobody can tell an old verdict from a clock that is ahead: the person
// has to.
func (r *reach) clock(ctx context.Context, views map[string]region.View, now time.Time) error {
	if r.operator() { // the states leave verdicts out
		views, _ = r.read(ctx, r.cfg.Regions.Loop, false) // without any, nothing speaks against the clock
	}
	newest := map[string]time.Time{}
	for _, v := range views {
		for observer, one := range v.Verdicts {
			if one.At.After(newest[observer]) {
				newest[observer] = one.At
			}
		}
	}
	heard := slices.SortedFunc(maps.Values(newest), func(a, b time.Time) int { return b.Compare(a) })
	switch {
	case len(heard) >= region.Quorum && heard[region.Quorum-1].Sub(now) >= behind:
		return fail(exitProblem, fmt.Errorf("this machine's clock says %s and is behind: two observers have been heard %s later. Set it"+trustLast,
			now.Format(time.RFC3339), heard[region.Quorum-1].Sub(now).Round(time.Second)))
	case len(heard) > 0 && now.Sub(heard[0]) > region.Fresh:
		return fail(exitProblem, fmt.Errorf(trustFirst+"by this machine's clock, %s, no observer has been heard for %s. If it is ahead, set it: the order would count for nobody. "+
			"If it is right, no observer runs", now.Format(time.RFC3339), now.Sub(heard[0]).Round(time.Second)))
	}
	return nil
}
