package sim

import (
	"testing"
	"time"
)

// blinks are regions of which each is down for a while, one after the other.
func blinks(loop []string, times int, every, down time.Duration) (all []Fault) {
	for i := range times {
		all = append(all, Fault{
			Row: "40", Kind: Kill, Region: loop[i%2], At: time.Minute + time.Duration(i)*every, For: down,
		})
	}
	return all
}

// FAULTS 40: both regions blink in turn, every 90 s for half an hour. Their states flip once a dwell at most, which every
// run with health checks; and what was accepted meanwhile is neither lost nor doubled. A region that blinks so slowly that it
// returns flips again and again, each time a dwell later at least.
//
// DNS is not held back: where the third region takes the signals, it hardly moves, but where only the two are left, it goes
// to whichever lives. A region leaves it at every blink, 20 times, and once more when the other one has returned.
func TestRegionsThatBlinkForHalfAnHourFlipOnceADwell(t *testing.T) {
	t.Parallel()
	topologies(t, func(t *testing.T, loop []string, witness string) {
		t.Helper()
		for _, c := range []struct {
			name        string
			faults      []Fault
			flips       [2]int // with two loop regions, with three
			backInDNS   [2]int
			withSignals bool
		}{
			{"fast", blinks(loop, 20, 90*time.Second, 80*time.Second), [2]int{2, 4}, [2]int{21, 2}, true},
			{"slowly", blinks(loop, 10, 6*time.Minute, 5*time.Minute), [2]int{8, 12}, [2]int{10, 6}, false},
		} {
			p := watchedPlan(loop, witness, c.faults...)
			if !c.withSignals {
				p.Signals = nil
			}
			r, i := Run(p, Options{}), len(loop)-2
			if r.Failed() || r.Flips != c.flips[i] || r.Returned != c.backInDNS[i] {
				t.Errorf("%s: %d flips, want %d; %d returns to DNS, want %d: %v", c.name, r.Flips, c.flips[i], r.Returned, c.backInDNS[i], r.Violations)
			}
		}
	})
}
