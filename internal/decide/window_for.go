package decide

import "example.com/unbroken/internal/loop"

// holdWindow is {for: d}: an entry opens if it is a hit, and so was every entry since one at least d before it.
//
// It speaks at entries only: a condition that holds since two minutes is noticed by the first signal after these.
// Silence does not interrupt, unless it is longer than d and the allowed lateness together: what is older than
// that has been forgotten. A run that fills the window's bound counts as held, since what it began with cannot be
// seen.
func holdWindow(w loop.Window, latch bool) window {
	hold, silence, bound := w.For.Std(), (w.For + w.Lateness).Std(), w.Bound()
	return window{
		span: hold + silence, expect: manyExpected,
		before: func(at loop.Position) LookBehind { // back to one entry that is old enough, whatever it is
			return func(e Entry) (want, more bool) { return true, e.Pos.Time.After(at.Time.Add(-hold)) }
		},
		judge: func(entries []Entry, from int) []verdict {
			verdicts := make([]verdict, len(entries))
			start := 0 // of the run that the entry belongs to
			for i, e := range entries {
				switch {
				case !e.Hit():
					start = i + 1
				case i > 0 && e.Pos.Time.Sub(entries[i-1].Pos.Time) > silence:
					start = i
				}
				if i < from {
					continue
				}
				held := e.Hit() && (e.Pos.Time.Sub(entries[start].Pos.Time) >= hold || i-start >= bound)
				switch {
				case held:
					verdicts[i] = opens
				case e.Clear || !latch:
					verdicts[i] = closes
				}
			}
			return verdicts
		},
	}
}
