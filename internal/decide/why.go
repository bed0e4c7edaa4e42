package decide

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// seen is what the window held at a transition, for whoever asks why: how many entries, and the newest of them.
func (j judged) seen(at loop.Position, span time.Duration) *loop.WhyWindow {
	w := &loop.WhyWindow{}
	end := 0
	for end < len(j.entries) && !j.entries[end].Pos.After(at) {
		end++
	}
	first := end
	for first > 0 && j.entries[first-1].Pos.Time.After(at.Time.Add(-span)) {
		first--
	}
	w.Held = end - first
	for _, e := range j.entries[max(first, end-loop.MaxWhyEntries):end] {
		w.Newest = append(w.Newest, loop.WhyEntry{
			Time: e.Pos.Time, SignalKey: e.Pos.SignalKey, Value: e.Value, Clears: e.Clear, Misses: e.Miss,
		})
	}
	return w
}
