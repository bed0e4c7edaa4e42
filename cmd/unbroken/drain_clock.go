package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/unbroken/internal/region"
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
	case len(heard) >= region.Quorum && heard[region.Quorum-1].Sub(now) > region.Fresh:
		return fail(exitProblem, fmt.Errorf("this machine's clock says %s and is behind: two observers have been heard %s later. Set it; --trust-clock orders it all the same",
			now.Format(time.RFC3339), heard[region.Quorum-1].Sub(now).Round(time.Second)))
	case len(heard) > 0 && now.Sub(heard[0]) > region.Fresh:
		return fail(exitProblem, fmt.Errorf("by this machine's clock, %s, no observer has been heard for %s. If it is ahead, set it: the order would count for nobody. "+
			"If it is right, no observer runs: --trust-clock orders it all the same", now.Format(time.RFC3339), now.Sub(heard[0]).Round(time.Second)))
	}
	return nil
}
