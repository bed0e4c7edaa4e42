package decide

import "example.com/unbroken/internal/loop"

// absentWindow is {absent: d}: a key that was heard of opens once it has been silent for d, and closes when it
// speaks again. Silence has no signal, so a timer brings one: its entry is a tick, which stands d after what was then
// the newest signal of the key (see timer.go). Ticks are entries like others: what is late may show that a tick was
// wrong.
func absentWindow(w loop.Window) window {
	absent := w.Absent.Std()
	return window{
		span:   absent + w.Lateness.Std() + 1, // the signal that a tick is counted from stands exactly absent before it
		expect: fewExpected,
		before: func(loop.Position) LookBehind { // the newest signal
			return func(e Entry) (want, more bool) { return true, e.Tick }
		},
		judge: func(entries []Entry, from int) []verdict {
			verdicts := make([]verdict, len(entries))
			spoke := -1 // index of the newest signal
			for i, e := range entries {
				switch {
				case !e.Tick:
					spoke = i
					if i >= from {
						verdicts[i] = closes
					}
				case i >= from && spoke >= 0 && e.Pos.Time.Sub(entries[spoke].Pos.Time) >= absent:
					verdicts[i] = opens
				}
			}
			return verdicts
		},
	}
}
