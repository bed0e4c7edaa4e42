package decide_test

import (
	"slices"
	"time"
)

// sample is a signal as the references see it: a plain value at a second. Values up to 9 in steps of 1; b tells the
// signals of the other type.
type sample struct {
	id    int
	at    time.Duration // after the start
	value float64
	b     bool
}

// reference is the plainest reading of one kind of window: whether the signals up to the last of `sorted` open. It
// knows nothing of entries, verdicts or regions.
type reference func(sorted []sample) bool

// within are the last samples that lie less than seconds before the newest.
func within(sorted []sample, seconds int) (last []sample) {
	newest := sorted[len(sorted)-1].at
	for _, s := range sorted {
		if newest-s.at < time.Duration(seconds)*time.Second {
			last = append(last, s)
		}
	}
	return last
}

func hits(sorted []sample) (list []sample) {
	for _, s := range sorted {
		if s.value > 5 {
			list = append(list, s)
		}
	}
	return list
}

func values(samples []sample) (list []float64) {
	for _, s := range samples {
		list = append(list, s.value)
	}
	return list
}

func sum(list []float64) (total float64) { // of small whole numbers: exact
	for _, v := range list {
		total += v
	}
	return total
}

func refCount(n, seconds int) reference {
	return func(sorted []sample) bool {
		return sorted[len(sorted)-1].value > 5 && len(hits(within(sorted, seconds))) >= n
	}
}

func refFor(hold, silence int) reference {
	return func(sorted []sample) bool {
		newest := sorted[len(sorted)-1]
		begin, last := newest.at, newest.at
		for _, s := range slices.Backward(sorted) {
			if s.value <= 5 || last-s.at > time.Duration(silence)*time.Second {
				break
			}
			begin, last = s.at, s.at
		}
		return newest.value > 5 && newest.at-begin >= time.Duration(hold)*time.Second
	}
}

func refOver(seconds int, beyond func(list []float64) bool) reference {
	return func(sorted []sample) bool { return beyond(values(within(sorted, seconds))) }
}

func p95(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	rank := 0
	for float64(rank)*100 < 95*float64(len(list)) {
		rank++
	}
	return list[rank-1]
}

func refRate(seconds int, threshold float64) reference {
	return func(sorted []sample) bool {
		last := within(sorted, seconds)
		if len(last) < 2 {
			return false
		}
		total := 0.0
		for i, s := range last[1:] {
			if s.value < last[i].value {
				total += s.value
			} else {
				total += s.value - last[i].value
			}
		}
		return total > threshold*(last[len(last)-1].at-last[0].at).Seconds()
	}
}

func refAll(seconds int) reference {
	return func(sorted []sample) bool {
		a, b := false, false
		for _, s := range within(sorted, seconds) {
			a, b = a || !s.b && s.value > 5, b || s.b
		}
		return a && b
	}
}

// newestOf is a reference that sees no more than the newest n samples.
func newestOf(n int, r reference) reference {
	return func(sorted []sample) bool { return r(sorted[max(len(sorted)-n, 0):]) }
}

// run walks the signals in order and says whether the episode is open at the end. latch: an episode stays open until
// a signal clears; otherwise until it would not open. Signals that mean nothing to the window are not judged.
func (r reference) run(sorted []sample, clears func(s sample) bool, latch bool, means func(s sample) bool) (open bool) {
	var seen []sample
	for _, s := range sorted {
		if !means(s) {
			continue
		}
		seen = append(seen, s)
		switch {
		case clears(s):
			open = false
		case r(seen):
			open = true
		case !latch:
			open = false
		}
	}
	return open
}

func second(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
