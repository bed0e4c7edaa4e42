package region_test

import (
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// What a flip is followed by, in plain numbers: a constant that shrinks is a storm of flips, too.
const (
	staysDrained = 10 * time.Minute
	staysActive  = 5 * time.Minute
	staysWell    = 3 * time.Minute // before a return
)

// Regions blink: each is ill for a while and well for a while, together or in turn, and everybody sees it. No region flips
// before its dwell is over; and those that are well for long enough do flip, again and again.
func TestBlinkingRegionsFlipOnceADwell(t *testing.T) {
	t.Parallel()
	const short, long = 90 * time.Second, region.Sustain + region.Fresh + 30*time.Second
	for name, c := range map[string]struct {
		each   time.Duration // ill, and as long well
		other  string        // what the other region does meanwhile
		length time.Duration
		flips  [2]int
	}{
		"together":                      {short, "same", 30 * time.Minute, [2]int{0, 0}},     // nobody else could take the signals
		"in turn":                       {short, "opposite", 30 * time.Minute, [2]int{0, 1}}, // never well for Sustain: it stays drained
		"slowly, together":              {long, "same", 2 * time.Hour, [2]int{0, 0}},
		"slowly, in turn":               {long, "opposite", 2 * time.Hour, [2]int{7, 8}},
		"slowly, and the other is well": {long, "well", 2 * time.Hour, [2]int{11, 0}},
	} {
		w := newWorld()
		flips, last := [2]int{}, [2]flip{}
		for since := time.Duration(0); since < c.length; since += 10 * time.Second {
			w.now = at.Add(since)
			ill, s := since/c.each%2 == 1, symbol{}
			if ill {
				s.object[0] = 3
			}
			if ill && c.other == "same" || !ill && c.other == "opposite" {
				s.object[1] = 3
			}
			w.say(s)
			judged := region.Judge(w.now, w.views)
			for i, r := range regions {
				e, was := judged[r], w.views[r].Now(w.now)
				if was.State == e.State {
					continue
				}
				stays := staysDrained
				if was.State == region.Active {
					stays = staysActive
				}
				if stayed := w.now.Sub(last[i].at); flips[i] > 0 && stayed < stays {
					t.Errorf("%s: %s became %s %s after it became %s", name, r, e.State, stayed, was.State)
				}
				flips[i], last[i] = flips[i]+1, flip{w.now, e.State}
				w.views[r].Entries[observers[0]] = e
			}
		}
		if flips != c.flips {
			t.Errorf("%s: %d flips of each region, want %d", name, flips, c.flips)
		}
	}
}
