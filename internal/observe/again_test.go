package observe_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// blindfold is an observer's who sees no queue.
type blindfold struct{}

func (blindfold) Depth(context.Context, string, string) (visible, inFlight, delayed int, err error) {
	return 0, 0, 0, errDown
}

// While an observer cannot see a check that it told of, another one may take back the last word on it: whoever has it bad
// after that tells of it anew, once, and what it takes back in the end is that.
func TestWhatIsBadAgainAfterItWasNotSeenIsToldAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	a, b := w.telling(east, p), w.telling(witness, p)
	subject := west + "/" + deadLetters
	ids := map[string]bool{}
	told := func(step string, o *observe.Observer, want string) {
		run(t, w, o)
		switch got := of(p.take(t, w, east), subject); {
		case want == "" && len(got) > 0:
			t.Errorf("%s: told %v", step, got)
		case want != "" && (len(got) != 1 || got[0].typ != want || ids[got[0].id]):
			t.Errorf("%s: told %v, want %s under a new id", step, got, want)
		case want != "":
			ids[got[0].id] = true
		}
	}
	w.letters[west+"|"+deadLetters] = 1
	told("a has it bad", a, loop.TypeCheckBad)
	told("b has it bad", b, loop.TypeCheckBad)
	b.Depths = blindfold{}
	told("b cannot see it", b, "")
	clear(w.letters)
	told("a has it well", a, loop.TypeCheckRecovered)
	w.letters[west+"|"+deadLetters] = 1
	b.Depths = w
	told("b has it bad again", b, loop.TypeCheckBad)
	told("b has it bad still", b, "")
	clear(w.letters)
	told("b has it well", b, loop.TypeCheckRecovered)
	told("b has it well still", b, "")
}

// Where only people drain, what observers flipped before counts for nobody: a region that they drained takes signals, and is
// told as returned, under one id that no return before had.
func TestWhereOperatorsDrainWhatObserversFlippedCountsNoMore(t *testing.T) {
	t.Parallel()
	drain := region.Entry{State: region.Drained, Since: at.Add(-2 * time.Hour), Order: region.Drain}
	restore := region.Entry{State: region.Active, Since: at.Add(-time.Hour), Order: region.Restore}
	for name, c := range map[string]struct {
		orders  []region.Entry
		returns int
	}{
		"nobody ordered anything": {nil, 1},
		"restored before":         {[]region.Entry{drain, restore}, 1},
		"drained by a person":     {[]region.Entry{drain}, 0},
	} {
		w := newWorld()
		p := newPost(w)
		both := []*observe.Observer{w.telling(east, p), w.telling(witness, p)}
		returned := map[string]bool{}
		minutes := func() (told []news) {
			for range 2 {
				run(t, w, both[0])
				run(t, w, both[1])
			}
			told = of(p.take(t, w, east), west)
			for _, n := range told {
				returned[n.id] = n.typ == loop.TypeRegionReturned
			}
			return told
		}
		for _, e := range c.orders {
			for _, table := range []string{east, west} {
				_ = w.Put(t.Context(), table, region.StateKey(west), region.OperatorKey(table), e, 0)
			}
			minutes()
		}
		w.probed["https://west/v1/health"] = errDown
		flipped := w.now
		if told := minutes(); len(told) != 2*c.returns {
			t.Fatalf("%s: drained: %v", name, told)
		}
		clear(w.probed)
		p.take(t, w, west)
		both[0].Operator, both[1].Operator = true, true
		before := maps.Clone(returned)
		told := minutes()
		for _, n := range told {
			if n.typ != loop.TypeRegionReturned || before[n.id] || n.id != told[0].id || n.at.Before(flipped) {
				t.Errorf("%s: told %v, and before %v", name, told, before)
			}
		}
		if there := of(p.take(t, w, west), west); len(told) != 2*c.returns || len(there) != 2*c.returns {
			t.Errorf("%s: told %v, and the region itself %v", name, told, there)
		}
	}
}

// A drain that goes on is told once by who told it, whatever an order that did not know of it calls it.
func TestADrainThatGoesOnIsNotToldAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	both := []*observe.Observer{w.telling(east, p), w.telling(witness, p)}
	minutes := func() []news {
		for range 2 {
			run(t, w, both[0])
			run(t, w, both[1])
		}
		return of(p.take(t, w, east), west)
	}
	w.probed["https://west/v1/health"] = errDown
	if told := minutes(); len(told) != 2 {
		t.Fatalf("drained: %v", told)
	}
	for _, table := range []string{east, west} {
		_ = w.Put(t.Context(), table, region.StateKey(west), region.OperatorKey(table), region.Entry{State: region.Drained, Since: w.now, Order: region.Drain}, 0)
	}
	if told := minutes(); len(told) != 0 {
		t.Errorf("told again: %v", told)
	}
}
