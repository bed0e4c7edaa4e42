package region_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// world is what two regions' tables hold and three observers think, one step of time after another.
type world struct {
	now   time.Time
	views map[string]region.View
	flips map[string]flip // the last change of each region, as the model has it
}

type flip struct {
	at time.Time
	to region.State
}

// step is longer than a verdict is fresh, so that what is said in one step is not heard in the next.
const step = region.Fresh + 10*time.Second

func newWorld() world {
	w := world{now: at, views: map[string]region.View{}, flips: map[string]flip{}}
	for _, r := range regions {
		w.views[r] = region.View{Entries: map[string]region.Entry{}, Verdicts: map[string]region.Verdict{}}
		w.flips[r] = flip{to: region.Active}
	}
	return w
}

func (w world) clone() world {
	next := world{now: w.now.Add(step), views: map[string]region.View{}, flips: maps.Clone(w.flips)}
	for name, v := range w.views {
		next.views[name] = region.View{Entries: maps.Clone(v.Entries), Verdicts: maps.Clone(v.Verdicts)}
	}
	return next
}

// symbol is one thing that may happen in a step: so many observers object to each region (silent: none speaks), or an
// operator orders something.
type symbol struct {
	object [2]int
	order  region.Order
	on     string
}

const silent = -1

func alphabet() (all []symbol) {
	for _, a := range []int{silent, 0, 1, 2} {
		for _, b := range []int{silent, 0, 1, 2} {
			all = append(all, symbol{object: [2]int{a, b}})
		}
	}
	for _, o := range []region.Order{region.Drain, region.Restore, region.Freeze, region.Unfreeze} {
		all = append(all, symbol{object: [2]int{0, 0}, order: o, on: east}, symbol{object: [2]int{2, 0}, order: o, on: east})
	}
	return all
}

// say lets the observers speak.
func (w world) say(s symbol) {
	for i, r := range regions {
		for k, o := range observers {
			if s.object[i] == silent {
				continue
			}
			v := region.Verdict{At: w.now, Healthy: k >= s.object[i], Since: w.now}
			if was, ok := w.views[r].Verdicts[o]; ok && was.Healthy == v.Healthy && w.now.Sub(was.At) <= step {
				v.Since = was.Since
			}
			w.views[r].Verdicts[o] = v
		}
	}
	if s.order != "" {
		state := w.views[s.on].Now(w.now).State
		switch s.order {
		case region.Drain:
			state = region.Drained
		case region.Restore:
			state = region.Active
		case region.Freeze, region.Unfreeze:
		}
		w.views[s.on].Entries[region.OperatorKey(east)] = region.Entry{State: state, Since: w.now, Order: s.order}
		w.flips[s.on] = flip{w.now, state}
	}
}

// judge lets one observer write what follows, and holds that against the table in the package's comment.
func (w world) judge(observer string, s symbol) error {
	active := 0
	for i, r := range regions {
		was := w.views[r].Now(w.now)
		got := region.Judge(w.now, w.views)[r]
		last, objections := w.flips[r], max(s.object[i], 0)
		if got.State == was.State {
			if err := w.due(r, was, s.object[i], max(s.object[1-i], 0)); err != nil {
				return err
			}
		} else {
			since := w.now.Sub(last.at)
			switch {
			case was.Pins():
				return fmt.Errorf("%s: flipped though an operator holds it", r)
			case got.State == region.Drained && (objections < region.Quorum || since < region.MinActive):
				return fmt.Errorf("%s: drained by %d voices, %s after its last flip", r, objections, since)
			case got.State == region.Active && (objections > 0 || s.object[i] == silent || since < region.MinDrained):
				return fmt.Errorf("%s: returned against %d voices, %s after its last flip", r, objections, since)
			}
			w.flips[r] = flip{w.now, got.State}
		}
		if got.State == region.Active {
			active++
		}
	}
	for r, e := range region.Judge(w.now, w.views) {
		if e.Since.Equal(w.now) && e.Order == "" {
			w.views[r].Entries[observer] = e
		}
	}
	ordered := w.views[east].Now(w.now).Pins()
	if active == 0 && w.views[east].Now(w.now).Order == "" {
		return fmt.Errorf("nobody is left")
	}
	if !ordered && region.Refuses(w.now, east, w.views) && region.Refuses(w.now, west, w.views) {
		return fmt.Errorf("both refuse")
	}
	return nil
}

// due says what should have happened and did not.
func (w world) due(r string, was region.Entry, said, others int) error {
	other := regions[0]
	if other == r {
		other = regions[1]
	}
	since := w.now.Sub(w.flips[r].at)
	elsewhere := w.views[other].Now(w.now).State == region.Active && others < region.Quorum
	if !was.Pins() && was.State == region.Active && said >= region.Quorum && since >= region.MinActive && elsewhere {
		return fmt.Errorf("%s: not drained", r)
	}
	return nil
}

// key is the world's state as far as anything may depend on it: ages beyond all dwells are alike.
func (w world) key() string {
	age := func(t time.Time) int { return int(min(w.now.Sub(t)/step, 6)) }
	var b strings.Builder
	for _, r := range regions {
		for _, writer := range slices.Sorted(maps.Keys(w.views[r].Entries)) {
			e := w.views[r].Entries[writer]
			fmt.Fprint(&b, writer[:1], e.State[:1], e.Order, age(e.Since), " ")
		}
		for _, o := range observers {
			v := w.views[r].Verdicts[o]
			fmt.Fprint(&b, v.Healthy, age(v.At), age(v.Since), " ")
		}
		fmt.Fprint(&b, age(w.flips[r].at), "|")
	}
	return b.String()
}

// All sequences of the whole alphabet up to a length, and longer ones of what matters most: worlds that are alike are
// gone on with once.
func TestAllSequences(t *testing.T) {
	t.Parallel()
	explore(t, alphabet(), 3)
	explore(t, []symbol{
		{object: [2]int{silent, silent}},
		{object: [2]int{0, 0}},
		{object: [2]int{1, 0}},
		{object: [2]int{2, 0}},
		{object: [2]int{2, 2}},
		{object: [2]int{0, 2}},
		{object: [2]int{0, 0}, order: region.Restore, on: east},
		{object: [2]int{2, 0}, order: region.Freeze, on: east},
	}, 5)
}

func explore(t *testing.T, symbols []symbol, length int) {
	t.Helper()
	type path struct {
		world
		way string
	}
	level, steps := []path{{newWorld(), ""}}, 0
	for depth := range length {
		seen := map[string]bool{}
		var next []path
		for _, p := range level {
			for _, s := range symbols {
				w := p.clone()
				w.say(s)
				steps++
				if err := w.judge(observers[depth%len(observers)], s); err != nil {
					t.Fatalf("after%s %v%s: %v", p.way, s.object, s.order, err)
				}
				if k := w.key(); depth+1 < length && !seen[k] {
					seen[k] = true
					next = append(next, path{w, fmt.Sprintf("%s %v%s", p.way, s.object, s.order)})
				}
			}
		}
		level = next
	}
	t.Logf("%d steps, sequences of %d", steps, length)
}

// Observers see what they see: a verdict or an entry that has not come through is not there. Each draws its own
// conclusions; the regions read everything. Nobody may be left out, and a flip is followed by its dwell.
func TestObserversWithDifferentViewsLeaveNobodyOut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		all := newWorld()
		for range 60 {
			all.now = all.now.Add(time.Minute)
			all.say(symbol{object: [2]int{rng.IntN(4), rng.IntN(4)}})
			for _, o := range observers {
				seen := map[string]region.View{}
				for r, v := range all.views {
					part := region.View{Entries: v.Entries, Verdicts: maps.Clone(v.Verdicts)}
					maps.DeleteFunc(part.Verdicts, func(from string, _ region.Verdict) bool { return from != o && rng.IntN(3) == 0 })
					seen[r] = part
				}
				for r, e := range region.Judge(all.now, seen) {
					if !e.Since.Equal(all.now) {
						continue
					}
					was := all.views[r].Now(all.now)
					if dwell := all.now.Sub(was.Since); was.State != e.State && dwell < region.MinActive {
						t.Fatalf("seed %d: %s flips after %s", seed, r, dwell)
					}
					all.views[r].Entries[o] = e
				}
			}
			if region.Refuses(all.now, east, all.views) && region.Refuses(all.now, west, all.views) {
				t.Fatalf("seed %d: both refuse", seed)
			}
		}
	}
}
