package decide

import (
	"slices"
	"time"
)

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
// known one, and not known already. Known ones were in time when they first came. Ticks are no news of the key: they
// neither come late nor make others late.
func late(fresh, known []Entry, lateness time.Duration) (inTime, tooLate []Entry) {
	var newest time.Time
	have := make(map[string]bool, len(known))
	for _, e := range known {
		have[e.Pos.SignalKey] = true
		if !e.Tick && e.Pos.Time.After(newest) {
			newest = e.Pos.Time
		}
	}
	for _, e := range fresh {
		if !e.Tick && !have[e.Pos.SignalKey] && e.Pos.Time.Before(newest.Add(-lateness)) {
			tooLate = append(tooLate, e)
			continue
		}
		inTime = append(inTime, e)
		if !e.Tick && e.Pos.Time.After(newest) {
			newest = e.Pos.Time
		}
	}
	return inTime, tooLate
}
