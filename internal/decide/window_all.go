package decide

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// allWindow is {all: […], within: d}: an entry opens if each condition is met by it or by another entry in the d
// that end with it; without `until` any other entry closes. One signal may meet several conditions.
func allWindow(w loop.Window, latch bool) window {
	conditions, within := len(w.All), w.Within.Std()
	every := uint64(1)<<conditions - 1
	return window{
		span: within, expect: conditions,
		before: func(loop.Position) LookBehind { // the newest of each condition
			var met uint64
			return func(e Entry) (want, more bool) {
				want = e.Met&^met != 0
				met |= e.Met
				return want, met != every
			}
		},
		judge: func(entries []Entry, from int) []verdict {
			verdicts := make([]verdict, len(entries))
			newest := make([]time.Time, conditions)
			for i, e := range entries {
				coincide := true
				for c := range conditions {
					if e.Met&(1<<c) != 0 {
						newest[c] = e.Pos.Time
					}
					coincide = coincide && !newest[c].IsZero() && e.Pos.Time.Sub(newest[c]) < within
				}
				switch {
				case i < from:
				case e.Clear:
					verdicts[i] = closes
				case coincide && e.Met != 0:
					verdicts[i] = opens
				case !latch:
					verdicts[i] = closes
				}
			}
			return verdicts
		},
	}
}
