package decide

import (
	"slices"
	"time"
)

// merge sorts entries and keeps one per signal: the earliest.
func merge(entries []Entry) []Entry {
	slices.SortFunc(entries, func(a, b Entry) int { return a.Pos.Compare(b.Pos) })
	if len(entries) < 2 {
		return entries
	}
	// The map holds a beginning of each key, which is cheaper to hash than all of it; keys that begin alike are compared.
	seen, kept := make(map[[16]byte]struct{}, len(entries)), entries[:0]
	for _, e := range entries {
		var begins [16]byte
		copy(begins[:], e.Pos.SignalKey)
		if _, alike := seen[begins]; alike && slices.ContainsFunc(kept, func(k Entry) bool { return k.Pos.SignalKey == e.Pos.SignalKey }) {
			continue
		}
		seen[begins] = struct{}{}
		kept = append(kept, e)
	}
	return kept
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
