package explore_test

import (
	"fmt"
	"testing"

	"example.com/unbroken/internal/explore"
)

func TestEveryWayIsTakenOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	runs, all := explore.Every(1000, func(r *explore.Run) bool {
		name := func(i int) string { return fmt.Sprint(i) }
		for range r.Pick(3, name) {
			r.Pick(2, name)
		}
		seen[r.String()]++
		return true
	})
	if runs != 1+2+4 || !all || len(seen) != runs {
		t.Errorf("%d runs, all %v, %d different: want 7", runs, all, len(seen))
	}
}

// Two workers that read and then write the same number lose an update in some orders, and a crash loses one, too.
func TestARaceIsFound(t *testing.T) {
	t.Parallel()
	ends := map[int]int{}
	runs, all := explore.Every(1000, func(r *explore.Run) bool {
		number := 0
		crew := explore.NewCrew()
		workers := []*explore.Worker{crew.Hire("a"), crew.Hire("b")}
		for _, w := range workers {
			w.Start(func(func() bool) {
				w.Step("read")
				read := number
				w.Step("write")
				number = read + 1
			})
		}
		for {
			var ways []func()
			for _, w := range workers {
				if w.Busy() {
					ways = append(ways, w.Go, w.Crash)
				}
			}
			if len(ways) == 0 {
				break
			}
			ways[r.Pick(len(ways), func(i int) string { return fmt.Sprint(i) })]()
		}
		ends[number]++
		return true
	})
	if !all || ends[2] != 2 || ends[1] == 0 || ends[0] == 0 || len(ends) != 3 {
		t.Errorf("%d runs, all %v, ends %v: both in turn is two of the orders", runs, all, ends)
	}
}

// What has been seen is not explored again, and yet every end is reached.
func TestKnownStatesEndARun(t *testing.T) {
	t.Parallel()
	ends, seen := map[int]int{}, explore.NewSeen()
	runs, all := explore.Every(100_000, func(r *explore.Run) bool {
		sum := 0
		for step := range 20 {
			if seen.Again(r, func() []byte { return fmt.Append(nil, step, sum) }) {
				return true
			}
			sum += r.Pick(2, func(i int) string { return fmt.Sprint(i) })
		}
		ends[sum]++
		return true
	})
	if !all || runs > 300 || len(ends) != 21 || seen.States() != 20*21/2 {
		t.Errorf("%d runs, all %v, %d ends, %d states; a million ways lead to 21 ends over 210 states", runs, all, len(ends), seen.States())
	}
}

// A state that was explored with more left is not explored with less; one with more of anything is.
func TestWhatIsLeftCountsApart(t *testing.T) {
	t.Parallel()
	seen := explore.NewSeen()
	at := func() []byte { return []byte("here") }
	for _, c := range []struct {
		left  []int
		again bool
	}{{[]int{1, 1}, false}, {[]int{1, 1}, true}, {[]int{0, 1}, true}, {[]int{0, 2}, false}, {[]int{2, 0}, false}, {[]int{0, 0}, true}} {
		explore.Every(1, func(r *explore.Run) bool {
			if got := seen.Again(r, at, c.left...); got != c.again {
				t.Errorf("%v left: again %v, want %v", c.left, got, c.again)
			}
			return true
		})
	}
	if seen.States() != 3 {
		t.Errorf("%d states, want 3", seen.States())
	}
}
