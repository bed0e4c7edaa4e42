package decide

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/loop"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func entryAt(second int, clear bool) Entry {
	return Entry{
		Pos:   loop.Position{Time: epoch.Add(time.Duration(second) * time.Second), SignalKey: fmt.Sprintf("s%03d", second)},
		Clear: clear,
	}
}

// reference is the plainest reading of `count within` with `until`: one pass over the signals in order.
func reference(sorted []Entry, w loop.Window) (open bool, openings []loop.Position) {
	for i, e := range sorted {
		if e.Clear {
			open = false
			continue
		}
		hits := 0
		for _, other := range sorted[:i+1] {
			if !other.Clear && e.Pos.Time.Sub(other.Pos.Time) < w.Within.Std() {
				hits++
			}
		}
		if !open && hits >= w.Count {
			open, openings = true, append(openings, e.Pos)
		}
	}
	return open, openings
}

// arrive brings entries in one by one, in the given order, and applies every transition that they call for.
func arrive(order []Entry, w loop.Window) (e Episode, openings []loop.Position) {
	var known []Entry
	for _, entry := range order {
		known = merge(append(known, entry))
		j := judged{entries: known, from: slices.Index(known, entry), verdicts: countWindow(w).judge(known, 0), lateness: time.Hour}
		changes, flips := j.settle(e)
		for _, c := range changes {
			e.Open, e.Last = c.Open, c.At
			if e.Open {
				openings = append(openings, c.At)
			}
		}
		e.Flips = j.recent(flips)
	}
	return e, openings
}

func drawEntries(t *rapid.T) []Entry {
	n := rapid.IntRange(1, 24).Draw(t, "n")
	seconds := rapid.SliceOfNDistinct(rapid.IntRange(0, 60), n, n, rapid.ID[int]).Draw(t, "seconds")
	slices.Sort(seconds)
	entries := make([]Entry, n)
	for i, s := range seconds {
		entries[i] = entryAt(s, rapid.IntRange(0, 3).Draw(t, "clear") == 0)
	}
	return entries
}

func drawWindow(t *rapid.T) loop.Window {
	return loop.Window{
		Count:  rapid.IntRange(1, 4).Draw(t, "count"),
		Within: loop.Duration(time.Duration(rapid.IntRange(1, 30).Draw(t, "within")) * time.Second),
	}
}

func TestInOrderDeliveryOpensWhatTheReferenceOpens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries, w := drawEntries(t), drawWindow(t)
		wantOpen, want := reference(entries, w)
		e, got := arrive(entries, w)
		if e.Open != wantOpen || !slices.Equal(got, want) {
			t.Fatalf("got open=%v %v, want open=%v %v", e.Open, got, wantOpen, want)
		}
	})
}

// Late, repeated and reordered entries end in the state of one ordered delivery.
func TestAnyOrderOfArrivalEndsInTheSameState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries, w := drawEntries(t), drawWindow(t)
		want, _ := reference(entries, w)
		shuffled := rapid.Permutation(append(slices.Clone(entries), entries[:len(entries)/2]...)).Draw(t, "order")
		if e, _ := arrive(shuffled, w); e.Open != want {
			t.Fatalf("order %v: open is %v, an ordered delivery gives %v", shuffled, e.Open, want)
		}
	})
}

func TestAnEpisodeNeedsAllItsHitsWithinTheWindow(t *testing.T) {
	t.Parallel()
	w := loop.Window{Count: 3, Within: loop.Duration(10 * time.Second)}
	for _, c := range []struct {
		name    string
		seconds []int
		open    bool
	}{
		{"all within", []int{0, 4, 9}, true},
		{"the first one just outside", []int{0, 4, 10}, false},
		{"two only", []int{0, 4}, false},
		{"the last three count", []int{0, 20, 22, 24}, true},
	} {
		var entries []Entry
		for _, s := range c.seconds {
			entries = append(entries, entryAt(s, false))
		}
		if e, _ := arrive(entries, w); e.Open != c.open {
			t.Errorf("%s: open is %v", c.name, e.Open)
		}
	}
}

func TestATransitionComesAfterTheLastOne(t *testing.T) {
	t.Parallel()
	w := loop.Window{Count: 1, Within: loop.Duration(time.Minute)}
	e := Episode{Open: true, Last: entryAt(10, false).Pos}
	entries := []Entry{entryAt(5, true), entryAt(10, false)}
	j := judged{entries: entries, verdicts: countWindow(w).judge(entries, 0), lateness: time.Hour}
	if changes, _ := j.settle(e); len(changes) > 0 {
		t.Error("a clear from before the opening closed the episode")
	}
}

func TestASignalCountsOnceAndAtItsEarliestTime(t *testing.T) {
	t.Parallel()
	a, b := entryAt(1, false), entryAt(9, false)
	b.Pos.SignalKey = a.Pos.SignalKey
	if got := merge([]Entry{b, a}); len(got) != 1 || got[0] != a {
		t.Errorf("merged to %v", got)
	}
}

func TestLateIsWhatIsNeitherKnownNorRecent(t *testing.T) {
	t.Parallel()
	known := []Entry{entryAt(10, false), entryAt(100, false)}
	inTime, tooLate := late([]Entry{entryAt(10, false), entryAt(39, false), entryAt(40, false)}, known, time.Minute)
	if len(inTime) != 2 || len(tooLate) != 1 || tooLate[0] != entryAt(39, false) {
		t.Errorf("in time %v, too late %v", inTime, tooLate)
	}
}

func TestSignalsWhoseKeysBeginAlikeAreTwo(t *testing.T) {
	t.Parallel()
	a, b, again := entryAt(1, false), entryAt(2, false), entryAt(3, false)
	a.Pos.SignalKey, b.Pos.SignalKey = strings.Repeat("0", 63)+"1", strings.Repeat("0", 63)+"2"
	again.Pos.SignalKey = a.Pos.SignalKey
	if got := merge([]Entry{again, b, a}); len(got) != 2 || got[0] != a || got[1] != b {
		t.Errorf("%v", got)
	}
}
