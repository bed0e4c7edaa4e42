package decide

import "example.com/unbroken/internal/loop"

// countWindow is {count: n, within: d}: an entry opens if it is the n-th hit within the window that ends with it.
//
// Counting looks back over the whole window, past transitions too: two of three errors before a short recovery
// still count.
func countWindow(w loop.Window) window {
	return window{
		span: w.Within.Std(), expect: w.Count,
		before: func(loop.Position) LookBehind { return NewestHits(w.Count) },
		judge: func(entries []Entry, from int) []verdict {
			verdicts := make([]verdict, len(entries))
			hits := make([]int, 0, len(entries)) // the indexes of the hits so far
			for i, e := range entries {
				if e.Hit() {
					hits = append(hits, i)
				}
				switch first := len(hits) - w.Count; {
				case i < from:
				case e.Clear:
					verdicts[i] = closes
				case e.Hit() && first >= 0 && e.Pos.Time.Sub(entries[hits[first]].Pos.Time) < w.Within.Std():
					verdicts[i] = opens
				}
			}
			return verdicts
		},
	}
}
