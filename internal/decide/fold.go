package decide

import (
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// next finds the first transition after e.Last that the entries call for, walking forward to the newest: a late
// entry is judged together with all that came after it.
//
//	closed, hit    → opens if it is the count-th hit within the window that ends with it
//	open,   clear  → closes
//
// Counting looks back over the whole window, past transitions too: two of three errors before a short recovery
// still count. So the state after all entries depends on their order in event time only, not on their arrival.
func next(e Episode, w loop.Window, entries []Entry) (at loop.Position, phase loop.Phase, ok bool) {
	for i, entry := range entries {
		switch {
		case !entry.Pos.After(e.Last):
		case e.Open && entry.Clear:
			return entry.Pos, loop.PhaseUndo, true
		case !e.Open && !entry.Clear && hitsUntil(entries, i, w) >= w.Count:
			return entry.Pos, loop.PhaseDo, true
		}
	}
	return loop.Position{}, "", false
}

// hitsUntil counts the hits in (t-within, t], t being the time of entry i; never more than it needs to.
func hitsUntil(entries []Entry, i int, w loop.Window) int {
	from := entries[i].Pos.Time.Add(-w.Within.Std())
	n := 0
	for ; i >= 0 && entries[i].Pos.Time.After(from) && n < w.Count; i-- {
		if !entries[i].Clear {
			n++
		}
	}
	return n
}

// merge sorts entries and keeps one per signal: the earliest.
func merge(entries []Entry) []Entry {
	slices.SortFunc(entries, func(a, b Entry) int { return a.Pos.Compare(b.Pos) })
	seen := make(map[string]bool, len(entries))
	return slices.DeleteFunc(entries, func(e Entry) bool {
		known := seen[e.Pos.SignalKey]
		seen[e.Pos.SignalKey] = true
		return known
	})
}

// late splits off the entries that come too late to count: more than the allowed lateness behind the newest
// known one, and not known already. Known ones were in time when they first came.
func late(fresh, known []Entry, lateness time.Duration) (inTime, tooLate []Entry) {
	var newest time.Time
	have := make(map[string]bool, len(known))
	for _, e := range known {
		have[e.Pos.SignalKey] = true
		if e.Pos.Time.After(newest) {
			newest = e.Pos.Time
		}
	}
	for _, e := range fresh {
		if !have[e.Pos.SignalKey] && e.Pos.Time.Before(newest.Add(-lateness)) {
			tooLate = append(tooLate, e)
			continue
		}
		inTime = append(inTime, e)
		if e.Pos.Time.After(newest) {
			newest = e.Pos.Time
		}
	}
	return inTime, tooLate
}
