package region_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// world is what two regions' tables hold and three observers think, one step of time after another.
type world struct {
	now   time.Time
	views map[string]region.View
	flips [2]flip      // the last change of each region, as the model has it
	quiet [2]time.Time // since when nobody has objected to each, and all have spoken
}

type flip struct {
	at time.Time
	to region.State
}

// step is longer than a verdict is fresh, so that what is said in one step is not heard in the next.
const step = region.Fresh + 10*time.Second

func newWorld() world {
	w := world{now: at, views: map[string]region.View{}}
	for i, r := range regions {
		w.views[r] = region.View{Entries: map[string]region.Entry{}, Verdicts: map[string]region.Verdict{}}
		w.flips[i] = flip{to: region.Active}
	}
	return w
}

func (w world) clone() world {
	next := w
	next.now, next.views = w.now.Add(step), map[string]region.View{}
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
	on     int // its region
}

const silent = -1

// say lets the observers speak.
func (w *world) say(s symbol) {
	for i, r := range regions {
		if s.object[i] != 0 {
			w.quiet[i] = time.Time{}
		} else if w.quiet[i].IsZero() {
			w.quiet[i] = w.now
		}
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
		ordered := w.views[regions[s.on]]
		state := ordered.Now(w.now).State
		switch s.order {
		case region.Drain:
			state = region.Drained
		case region.Restore:
			state = region.Active
		case region.Freeze, region.Unfreeze:
		}
		ordered.Entries[region.OperatorKey(east)] = region.Entry{State: state, Since: w.now, Order: s.order}
		w.flips[s.on] = flip{w.now, state}
	}
}

// judge lets one observer write what follows, and holds that against the table in the package's comment.
func (w *world) judge(observer string, s symbol) error {
	judged := region.Judge(w.now, w.views)
	var was [2]region.Entry
	for i, r := range regions {
		was[i] = w.views[r].Now(w.now)
	}
	active := 0
	for i, r := range regions {
		got, objections, since := judged[r], max(s.object[i], 0), w.now.Sub(w.flips[i].at)
		if got.State == region.Active {
			active++
		}
		// Regions are judged one after the other: the second one sees what became of the first.
		elsewhere := was[1-i]
		if i == 1 {
			elsewhere = judged[regions[0]]
		}
		switch due := w.due(i, was[i], elsewhere, s); {
		case got.State != was[i].State && was[i].Pins():
			return fmt.Errorf("%s: flipped though an operator holds it", r)
		case got.State != was[i].State && !due:
			return fmt.Errorf("%s: %s by %d voices, quiet for %s, %s after its last flip", r, got.State, objections, w.now.Sub(w.quiet[i]), since)
		case got.State == was[i].State && due:
			return fmt.Errorf("%s: still %s, with %d voices, quiet for %s, %s after its last flip", r, got.State, objections, w.now.Sub(w.quiet[i]), since)
		}
		if got.State != was[i].State {
			w.flips[i] = flip{w.now, got.State}
			got.By = observer
			w.views[r].Entries[observer] = got
		}
	}
	if active == 0 && was[0].Order == "" {
		return fmt.Errorf("nobody is left")
	}
	for i, r := range regions {
		if judged[r].State == region.Active {
			continue
		}
		other := judged[regions[1-i]].State == region.Active && s.object[1-i] < 2
		if want := judged[r].Order == region.Drain || other; region.Refuses(w.now, r, w.views) != want {
			return fmt.Errorf("%s refuses: %v; another can take signals: %v", r, !want, other)
		}
	}
	return nil
}

// due says whether observers are to flip the region i now, in the words of the table and with numbers of its own.
func (w *world) due(i int, was, other region.Entry, s symbol) bool {
	since := w.now.Sub(w.flips[i].at)
	switch {
	case was.Pins():
		return false
	case was.State == region.Active:
		return s.object[i] >= 2 && since >= staysActive && other.State == region.Active && s.object[1-i] < 2
	}
	return s.object[i] == 0 && since >= staysDrained && w.now.Sub(w.quiet[i]) >= staysWell
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
