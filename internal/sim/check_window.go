package sim

import (
	"slices"
	"time"

	"example.com/unbroken/internal/decide"
)

// reference reads a window in the plainest way, with the rules' own numbers: one pass over the signals in their order,
// each judged by all that came before it.
func reference(rule string, entries []decide.Entry) (open bool) {
	var seen []decide.Entry
	for _, e := range entries { // sorted; the first of a signal counts
		if slices.ContainsFunc(seen, func(s decide.Entry) bool { return s.Pos.SignalKey == e.Pos.SignalKey }) {
			continue
		}
		seen = append(seen, e)
		opens, latch := judge(rule, seen)
		switch {
		case e.Clear:
			open = false
		case opens:
			open = true
		case !latch:
			open = false
		}
	}
	return open
}

// judge says whether the newest of the entries opens, and whether the rule stays open where it does not.
func judge(rule string, seen []decide.Entry) (opens, latch bool) {
	newest := seen[len(seen)-1]
	within := func(d time.Duration) (last []decide.Entry) {
		for _, e := range seen {
			if newest.Pos.Time.Sub(e.Pos.Time) < d {
				last = append(last, e)
			}
		}
		return last
	}
	switch rule {
	case "burst":
		hits := 0
		for _, e := range within(time.Minute) {
			if !e.Clear {
				hits++
			}
		}
		return hits >= 3, true
	case "level":
		return true, true
	case "slow":
		sum, last := 0.0, within(2*time.Minute)
		for _, e := range last {
			sum += e.Value
		}
		return sum/float64(len(last)) > 5, true
	case "tail": // of fewer than 20 samples the 95th percentile is the greatest
		last := within(2 * time.Minute)
		values := make([]float64, len(last))
		for i, e := range last {
			values[i] = e.Value
		}
		slices.Sort(values)
		return values[(95*len(values)+99)/100-1] > 8, false
	case "held":
		begin := newest.Pos.Time
		for _, e := range slices.Backward(seen) {
			if e.Miss || e.Clear || begin.Sub(e.Pos.Time) > 3*time.Minute {
				break
			}
			begin = e.Pos.Time
		}
		return newest.Pos.Time.Sub(begin) >= time.Minute, false
	case "pair":
		var met uint64
		for _, e := range within(2 * time.Minute) {
			met |= e.Met
		}
		return met == 3, false
	case "silent":
		for _, e := range slices.Backward(seen) {
			if !e.Tick {
				return newest.Tick && newest.Pos.Time.Sub(e.Pos.Time) >= 2*time.Minute, newest.Tick
			}
		}
	}
	return false, true
}
