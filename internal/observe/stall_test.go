package observe

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

var dawn = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

// every is what the input of these tests declares; an observer looks once in that time.
const every = time.Minute

func pair(each bool) Expectation {
	return Expectation{Every: every, Each: each, Regions: []string{"east", "west"}}
}

// TestEveryShortStoryOfAnInput runs the machine over every sequence of what two regions may hear in a look: each hears
// or not, and a look may be by an observer that sees no notes newer than a minute. It is held against what is meant,
// computed from the whole story each time.
func TestEveryShortStoryOfAnInput(t *testing.T) {
	t.Parallel()
	const looks = 5
	for _, each := range []bool{false, true} {
		stories := 0
		tell(make([]int, looks), 0, func(story []int) {
			stories++
			follow(t, pair(each), story)
		})
		if stories != 3125 { // five ways, five looks
			t.Errorf("%d stories", stories)
		}
	}
}

// A look: bit 0 east hears, bit 1 west hears; blind is an observer to which no notes come.
const (
	hears = 4 // ways of what is heard
	blind = 4
)

func tell(story []int, at int, do func([]int)) {
	if at == len(story) {
		do(story)
		return
	}
	for what := range hears + 1 {
		story[at] = what
		tell(story, at+1, do)
	}
}

// follow plays the story after a quiet stretch that lets both directions of the switch come within its reach.
func follow(t *testing.T, e Expectation, story []int) {
	t.Helper()
	for _, prelude := range [][]int{nil, {0, 0, 0}, {0, 0, 0, 3, 3, 3}} {
		played := slices.Concat(prelude, story)
		var w loop.Watched
		heard := map[string]time.Time{}
		calm := 0 // looks in a row at which nothing was missed
		for i, what := range played {
			now := dawn.Add(time.Duration(i) * every)
			seen := map[string]time.Time{}
			if what != blind {
				for r, region := range e.Regions {
					if what&(1<<r) != 0 {
						heard[region] = now
					}
				}
				seen = heard
			}
			missed := meantStalled(e, seen, now)
			next := Judge(w, e, seen, now)
			if calm++; missed {
				calm = 0
			}
			switch {
			case missed && !next.Stalled:
				t.Fatalf("%v: look %d: silent, and no standby: %+v", played, i, next)
			case !missed && next.Stalled && !w.Stalled:
				t.Fatalf("%v: look %d: a standby for an input that is heard: %+v", played, i, next)
			case w.Stalled && !next.Stalled && calm <= steadyFor:
				t.Fatalf("%v: look %d: recovered after %d calm looks", played, i, calm)
			case w.Stalled && next.Stalled && calm > steadyFor:
				t.Fatalf("%v: look %d: not recovered after %d calm looks", played, i, calm)
			}
			if changed := w.Stalled != next.Stalled; next.N != w.N+map[bool]int{true: 1}[changed] || changed && (!next.Pending || !next.Since.Equal(now)) {
				t.Fatalf("%v: look %d: from %+v to %+v", played, i, w, next)
			}
			if again := Judge(next, e, seen, now); !reflect.DeepEqual(again, next) {
				t.Fatalf("%v: look %d: two observers at one time see %+v and %+v", played, i, next, again)
			}
			next.Pending = false
			w = next
		}
	}
}

// meantStalled says the same as the machine in other words.
func meantStalled(e Expectation, heard map[string]time.Time, now time.Time) bool {
	silent := 0
	for _, region := range e.Regions {
		since := now.Sub(dawn)
		if at, ever := heard[region]; ever {
			since = min(since, now.Sub(at))
		}
		if since >= 2*e.Every {
			silent++
		}
	}
	if e.Each {
		return silent > 0
	}
	return silent == len(e.Regions)
}

func TestAStallNamesTheRegionsThatAreSilent(t *testing.T) {
	t.Parallel()
	w := Judge(loop.Watched{}, pair(true), nil, dawn)
	now := dawn.Add(2 * every)
	w = Judge(w, pair(true), map[string]time.Time{"east": now}, now)
	if !w.Stalled || !slices.Equal(w.Silent, []string{"west"}) {
		t.Errorf("%+v", w)
	}
}

// An input that is expected every second recovers no sooner than in five minutes.
func TestARecoveryTakesItsTimeHoweverOftenSignalsCome(t *testing.T) {
	t.Parallel()
	e := Expectation{Every: time.Second, Regions: []string{"east"}}
	w := loop.Watched{Began: dawn, Stalled: true, N: 1}
	for at := time.Duration(0); at < 5*time.Minute; at += time.Second {
		now := dawn.Add(at)
		if w = Judge(w, e, map[string]time.Time{"east": now}, now); !w.Stalled {
			t.Fatalf("recovered after %s", at)
		}
	}
	now := dawn.Add(5 * time.Minute)
	if w = Judge(w, e, map[string]time.Time{"east": now}, now); w.Stalled || w.N != 2 || w.Silent != nil {
		t.Errorf("%+v", w)
	}
}
