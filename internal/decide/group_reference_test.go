package decide_test

import (
	"slices"
	"time"
)

// firing is a key that fires: its signal as the references see it.
type firing struct {
	at  time.Duration // accepted after the start
	key string
}

// refGroups is the plainest reading of `group`: walk the firings in order; the first one opens a span, all in it are one
// decision, the next one after it opens another.
func refGroups(sorted []firing, wait time.Duration) (decisions [][]string) {
	var until time.Duration
	for i, f := range sorted {
		if i == 0 || f.at >= until {
			until, decisions = f.at+wait, append(decisions, nil)
		}
		last := &decisions[len(decisions)-1]
		if !slices.Contains(*last, f.key) {
			*last = append(*last, f.key)
		}
	}
	return decisions
}

// refOpenings are the firings of a rule whose keys stay open until they clear: of each key those that open it.
func refOpenings(sorted []sample) (openings []firing) {
	open := map[string]bool{}
	for _, s := range sorted {
		key := groupKey(s)
		if hit := s.value > 5; hit && !open[key] {
			openings = append(openings, firing{s.at, key})
		}
		open[key] = s.value > 5
	}
	return openings
}

// refHits are the firings of a rule without state: every hit.
func refHits(sorted []sample) (list []firing) {
	for _, s := range hits(sorted) {
		list = append(list, firing{s.at, groupKey(s)})
	}
	return list
}

// groupKey is the key of a sample: one of four.
func groupKey(s sample) string { return string(rune('p' + int(s.value)%4)) }
