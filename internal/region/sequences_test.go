package region_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// alphabet is all that may happen in a step.
func alphabet() (all []symbol) {
	for _, a := range []int{silent, 0, 1, 2} {
		for _, b := range []int{silent, 0, 1, 2} {
			all = append(all, symbol{object: [2]int{a, b}})
		}
	}
	for _, o := range []region.Order{region.Drain, region.Restore, region.Freeze, region.Unfreeze} {
		all = append(all, symbol{object: [2]int{0, 0}, order: o}, symbol{object: [2]int{2, 0}, order: o})
	}
	return all
}

// key is the world's state as far as anything may depend on it. Ages are counted in steps and are alike beyond all that is
// asked of them: what was written before the newest entry is never asked for again.
func (w *world) key() string {
	b := make([]byte, 0, 64)
	age := func(t time.Time, most int) { b = append(b, '0'+byte(min(int(min(w.now.Sub(t)/step, 9)), most))) }
	for i, r := range regions {
		e := w.views[r].Now(w.now)
		b = append(append(b, e.State[0]), e.Order...)
		age(e.Since, 4)
		age(w.flips[i].at, 4)
		age(w.quiet[i], 2)
		for _, o := range observers {
			v := w.views[r].Verdicts[o]
			b = append(b, fmt.Sprint(v.Healthy)[0])
			age(v.At, 1)
			age(v.Since, 2)
		}
	}
	return string(b)
}

// endless is beyond any length at which new worlds are found.
const endless = 100

// All sequences of the whole alphabet up to a length, and of what matters most of any length: worlds that are alike are gone
// on with once, until there is no new one. That takes 12 steps, of which a drain, its dwell, a return and a second drain are 7.
func TestAllSequences(t *testing.T) {
	t.Parallel()
	explore(t, alphabet(), 3)
	depth := explore(t, []symbol{
		{object: [2]int{silent, silent}},
		{object: [2]int{0, 0}},
		{object: [2]int{1, 0}},
		{object: [2]int{2, 0}},
		{object: [2]int{2, 2}},
		{object: [2]int{0, 2}},
		{object: [2]int{0, 0}, order: region.Drain},
		{object: [2]int{0, 0}, order: region.Restore},
		{object: [2]int{2, 0}, order: region.Freeze},
		{object: [2]int{0, 0}, order: region.Unfreeze},
	}, endless)
	if depth < 9 || depth == endless {
		t.Errorf("all worlds were found in sequences of %d", depth)
	}
}

// TestStatesModel takes the whole alphabet to all lengths, in three million steps.
func TestStatesModel(t *testing.T) {
	t.Parallel()
	if os.Getenv("MODEL") == "" {
		t.Skip("run by `make model`")
	}
	if explore(t, alphabet(), endless) == endless {
		t.Error("not every world was found")
	}
}

// explore returns the length of the longest sequences that it took.
func explore(t *testing.T, symbols []symbol, length int) int {
	t.Helper()
	type path struct {
		world
		way string
	}
	level, seen, steps, depth := []path{{newWorld(), ""}}, map[string]bool{}, 0, 0
	for ; depth < length && len(level) > 0; depth++ {
		var next []path
		for _, p := range level {
			for _, s := range symbols {
				w := p.clone()
				w.say(s)
				steps++
				if err := w.judge(observers[depth%len(observers)], s); err != nil {
					t.Fatalf("after%s %v%s: %v", p.way, s.object, s.order, err)
				}
				if k := w.key(); !seen[k] {
					seen[k] = true
					next = append(next, path{w, fmt.Sprintf("%s %v%s", p.way, s.object, s.order)})
				}
			}
		}
		level = next
	}
	t.Logf("sequences of %d: %d runs to %d worlds", depth, steps, len(seen))
	return depth
}
