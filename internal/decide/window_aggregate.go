package decide

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// aggregateWindow is {avg: expr, over: d, above: x}, and sum, min, max, p95 and rate; below for above. An entry
// opens if the aggregate of the samples in the d that end with it is beyond the threshold; without `until` any
// other entry closes. A window of more samples than its bound is made of the newest.
func aggregateWindow(w loop.Window, latch bool) window {
	above, threshold := w.Above != nil, 0.0
	if above {
		threshold = *w.Above
	} else if w.Below != nil {
		threshold = *w.Below
	}
	over, bound := w.Over.Std(), w.Bound()
	return window{
		span: over, expect: manyExpected, before: everything,
		judge: func(entries []Entry, from int) []verdict {
			verdicts := make([]verdict, len(entries))
			a, oldest := aggregateOf(w.Of, samples{above, threshold, make([]sample, 0, len(entries))}), 0
			for i, e := range entries {
				if !e.Miss {
					a.add(sample{e.Pos.Time, e.Value})
				}
				for ; e.Pos.Time.Sub(entries[oldest].Pos.Time) >= over || a.len() > bound; oldest++ {
					if !entries[oldest].Miss {
						a.drop()
					}
				}
				switch {
				case i < from:
				case e.Clear:
					verdicts[i] = closes
				case a.beyond():
					verdicts[i] = opens
				case !latch:
					verdicts[i] = closes
				}
			}
			return verdicts
		},
	}
}

// aggregate is of the samples in a window that slides: added at its newer end, dropped at its older one. It says
// whether it is beyond the threshold without saying what it is, which takes no sorting and does not round.
type aggregate interface {
	add(s sample)
	drop()
	len() int
	beyond() bool
}

func aggregateOf(of string, s samples) aggregate {
	switch of {
	case loop.AggregateAvg:
		return &meanOrSum{samples: s, mean: true}
	case loop.AggregateSum:
		return &meanOrSum{samples: s}
	case loop.AggregateRate:
		return &rate{samples: s}
	}
	return &ranked{samples: s, of: of}
}

// samples are those in the window, in order.
type samples struct {
	above     bool
	threshold float64
	list      []sample
}

type sample struct {
	at    time.Time
	value float64
}

func (s *samples) add(one sample) { s.list = append(s.list, one) }
func (s *samples) drop()          { s.list = s.list[1:] }
func (s *samples) len() int       { return len(s.list) }

func (s *samples) is(comparison int) bool {
	if s.above {
		return comparison > 0
	}
	return comparison < 0
}

// meanOrSum is avg and sum.
type meanOrSum struct {
	samples
	sum  exactSum
	mean bool
}

func (m *meanOrSum) add(s sample) { m.samples.add(s); m.sum.add(s.value) }
func (m *meanOrSum) drop()        { m.sum.remove(m.list[0].value); m.samples.drop() }

func (m *meanOrSum) beyond() bool {
	n := 1
	if m.mean {
		n = len(m.list)
	}
	return len(m.list) > 0 && m.is(m.sum.compare(n, m.threshold))
}

// ranked is min, max and p95: whether the value of a rank is beyond the threshold can be told from how many are.
// p95 is the nearest rank: the smallest value that at least 95 % of the samples do not exceed.
type ranked struct {
	samples
	of    string
	inner int // the samples that are not beyond the threshold
}

func (r *ranked) count(s sample, n int) {
	if r.above && s.value <= r.threshold || !r.above && s.value >= r.threshold {
		r.inner += n
	}
}

func (r *ranked) add(s sample) { r.samples.add(s); r.count(s, 1) }
func (r *ranked) drop()        { r.count(r.list[0], -1); r.samples.drop() }

func (r *ranked) beyond() bool {
	n := len(r.list)
	rank := (95*n + 99) / 100 // of p95, from the smallest
	switch r.of {
	case loop.AggregateMin:
		rank = 1
	case loop.AggregateMax:
		rank = n
	}
	if r.above {
		return n > 0 && r.inner < rank // so the value of the rank is among those above
	}
	return n > 0 && n-r.inner >= rank
}

// rate is a counter's increase per second. A counter that is less than before has started again from zero.
type rate struct {
	samples
	sum exactSum
}

func increase(from, to sample) float64 {
	if to.value < from.value {
		return to.value
	}
	return to.value - from.value
}

func (r *rate) add(s sample) {
	if n := len(r.list); n > 0 {
		r.sum.add(increase(r.list[n-1], s))
	}
	r.samples.add(s)
}

func (r *rate) drop() {
	if len(r.list) > 1 {
		r.sum.remove(increase(r.list[0], r.list[1]))
	}
	r.samples.drop()
}

func (r *rate) beyond() bool {
	if len(r.list) < 2 {
		return false
	}
	elapsed := r.list[len(r.list)-1].at.Sub(r.list[0].at)
	return elapsed > 0 && r.is(r.sum.compare(int(elapsed), r.threshold/float64(time.Second)))
}
