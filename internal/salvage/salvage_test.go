package salvage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/salvage"
)

const east, west, middle = "us-east-2", "us-west-2", "us-east-1"

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

var _ salvage.Queues = mem.Poller{}

// world is the queues of two regions, on a clock of its own.
type world struct {
	*mem.Queues
	now time.Time
}

func newWorld(fault mem.Fault) *world {
	w := &world{now: noon}
	w.Queues = mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return w.now }, Fault: fault})
	return w
}

// put stores a message whose input names it.
func (w *world) put(t *testing.T, queue string, m loop.Outgoing) {
	t.Helper()
	if err := w.Send(t.Context(), east, queue, []loop.Outgoing{m})[0]; err != nil {
		t.Fatal(err)
	}
}

func message(items ...loop.Item) loop.Outgoing {
	body, err := loop.Encode(items...)
	if err != nil {
		panic(err)
	}
	return loop.Outgoing{Body: body, Group: items[0].Input}
}

func signal(name string) loop.Item {
	return loop.Item{AcceptedAt: noon, Input: name, Signal: json.RawMessage(`{"source":"shop","id":"1"}`)}
}

func effect(name string) loop.Item {
	return loop.Item{AcceptedAt: noon, Input: name, Effect: &loop.Effect{ID: name, RuleID: "r"}}
}

// pass goes through a queue of east for a region.
func (w *world) pass(ctx context.Context, to, queue string, limit int) (salvage.Pass, error) {
	m := salvage.Mover{Queues: w.Poller(to), From: east, To: to, Now: func() time.Time { return w.now }}
	return m.Pass(ctx, queue, limit, w.now.Add(time.Hour), nil)
}

func standby(it loop.Item) loop.Item { it.Standby = true; return it }

func (w *world) lying(region, queue string) (bodies []string) {
	for _, m := range w.Lying(region, queue) {
		bodies = append(bodies, string(m.Body))
	}
	slices.Sort(bodies)
	return bodies
}

// What has no better place moves as it is, to the byte; the rest stays, visible at once.
func TestWhatIsStrandedMovesAndWhatBelongsHereStays(t *testing.T) {
	t.Parallel()
	beat := loop.Item{AcceptedAt: noon, Input: "signals", Signal: json.RawMessage(`{"id":"c","source":"` + loop.CanarySource + `"}`)}
	landing := effect("canary")
	landing.Effect.RuleID = loop.CanaryRule
	for name, c := range map[string]struct {
		queue string
		msg   loop.Outgoing
		moves bool
	}{
		"a signal":                       {loop.QueueSignals, message(signal("a")), true},
		"several":                        {loop.QueueSignals, message(signal("a"), signal("b")), true},
		"an effect":                      {loop.QueueActions, message(effect("a")), true},
		"a standby copy":                 {loop.QueueSignals, message(standby(signal("a"))), false},
		"one among several":              {loop.QueueSignals, message(signal("a"), standby(signal("b"))), false},
		"the effect of one":              {loop.QueueActions, message(standby(effect("a"))), false},
		"a canary in the inbox":          {loop.QueueInbox, loop.Outgoing{Body: beat.Signal}, false},
		"what has its source alone":      {loop.QueueInbox, loop.Outgoing{Body: []byte(`{"source":"` + loop.CanarySource + `","type":"x","time":"2020-01-01T00:00:00Z"}`)}, false},
		"a canary":                       {loop.QueueSignals, message(beat), false},
		"the effect of a canary":         {loop.QueueActions, message(landing), false},
		"what is no envelope":            {loop.QueueSignals, loop.Outgoing{Body: []byte("x")}, false},
		"a version that is not known":    {loop.QueueActions, loop.Outgoing{Body: []byte(`{"v":99,"items":[]}`)}, false},
		"whatever producers sent":        {loop.QueueInbox, loop.Outgoing{Body: []byte("x")}, true},
		"what looks like a standby copy": {loop.QueueInbox, message(standby(signal("a"))), true},
	} {
		w := newWorld(nil)
		w.put(t, c.queue, c.msg)
		p, err := w.pass(t.Context(), west, c.queue, 10)
		if err != nil {
			t.Fatal(err)
		}
		where, empty, want := west, east, salvage.Done{Moved: 1}
		if !c.moves {
			where, empty, want = east, west, salvage.Done{Stayed: 1}
		}
		if got := w.lying(where, c.queue); p.Done != want || !p.Whole || len(got) != 1 || got[0] != string(c.msg.Body) || len(w.lying(empty, c.queue)) > 0 {
			t.Errorf("%s: %+v, %s has %q", name, p, where, got)
		}
		if got := w.Receive(where, c.queue, 10); len(got) != 1 || got[0].Group != c.msg.Group {
			t.Errorf("%s: %s delivers %v", name, where, got)
		}
	}
}

// die is a process that ends at its nth call, before or after the call has happened: the rest of it does nothing.
func die(nth int) mem.Fault {
	n, dead := 0, false
	return func(op mem.Op) error {
		if op.From != west {
			return nil
		}
		if n++; n >= nth {
			dead = true
		}
		if dead {
			return errors.New("the process is gone")
		}
		return nil
	}
}

// wear receives what is visible on signals n times.
func (w *world) wear(t *testing.T, n int) {
	t.Helper()
	for range n {
		for _, d := range w.Receive(east, loop.QueueSignals, 10) {
			w.Release(east, loop.QueueSignals, d.Receipt, 0)
		}
	}
}

// The attack on "never in neither": the mover dies at each of its calls in turn. Whatever the instant, every message is
// in one region at least; and the next run moves what is left.
func TestAMoverThatDiesLosesNothing(t *testing.T) {
	t.Parallel()
	const n = 7
	for nth, died := 1, true; died; nth++ {
		var at mem.Fault
		died = false
		w := newWorld(func(op mem.Op) error {
			if at == nil {
				return nil
			}
			err := at(op)
			died = died || err != nil
			return err
		})
		want := map[string]bool{}
		for i := range n {
			m := message(signal(fmt.Sprint("s", i)))
			if i == 3 {
				m = message(standby(signal("copy")))
			}
			want[string(m.Body)] = true
			w.put(t, loop.QueueSignals, m)
			if i == 3 {
				w.wear(t, salvage.Renew-1)
			}
		}
		at = die(nth)
		if _, err := w.pass(t.Context(), west, loop.QueueSignals, 10); (err != nil) != died {
			t.Errorf("dead at call %d: %v, error %v", nth, died, err)
		}
		all := map[string]bool{}
		for _, region := range []string{east, west} {
			for _, body := range w.lying(region, loop.QueueSignals) {
				all[body] = true
			}
		}
		if !maps.Equal(all, want) {
			t.Fatalf("dead at call %d: %d of %d messages are left", nth, len(all), n)
		}
		at = nil
		w.now = w.now.Add(time.Minute) // what it held is visible again
		for range 2 {
			if _, err := w.pass(t.Context(), west, loop.QueueSignals, 10); err != nil {
				t.Fatal(err)
			}
		}
		if here, there := slices.Compact(w.lying(east, loop.QueueSignals)), slices.Compact(w.lying(west, loop.QueueSignals)); len(here) != 1 || len(there) != n-1 {
			t.Errorf("dead at call %d: then %d are here and %d there", nth, len(here), len(there))
		}
		if nth > 200 {
			t.Fatal("it never ran through")
		}
	}
}

// The caller's time is over while a batch is in hand: it is put down where it belongs, not held.
func TestABatchThatWasBegunIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(func(op mem.Op) error {
		if op.Name == "Receive" && op.When == mem.After {
			cancel()
		}
		return nil
	})
	w.put(t, loop.QueueSignals, message(signal("a")))
	w.put(t, loop.QueueSignals, message(standby(signal("b"))))
	if p, err := w.pass(ctx, west, loop.QueueSignals, 2); !errors.Is(err, context.Canceled) || p.Done != (salvage.Done{Moved: 1, Stayed: 1}) {
		t.Errorf("%+v, %v", p, err)
	}
	if len(w.lying(west, loop.QueueSignals)) != 1 || len(w.Receive(east, loop.QueueSignals, 10)) != 1 {
		t.Error("what was begun was not ended")
	}
}

// Two regions salvage a third at once, calls fail before and after they have happened, and its own functions take
// messages, too: nothing is lost, and nothing is there more often than calls failed.
func TestSalvageUnderFaultsLosesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		failed, calm := 0, true
		w := newWorld(func(op mem.Op) error {
			if calm || op.From == "" || rng.IntN(6) > 0 {
				return nil
			}
			failed++
			return errors.New("throttled")
		})
		moves, stays := map[string]bool{}, map[string]bool{}
		for i := range 20 + rng.IntN(40) {
			it, into := signal(fmt.Sprint("s", i)), moves
			if rng.IntN(4) == 0 {
				it, into = standby(it), stays
			}
			m := message(it)
			m.Delay = time.Duration(rng.IntN(60)) * time.Second
			into[string(m.Body)] = true
			w.put(t, loop.QueueSignals, m)
		}
		handled := map[string]bool{}
		calm = false
		for round := range 400 {
			calm = round > 200
			w.now = w.now.Add(time.Second)
			from := []string{west, middle}[rng.IntN(2)]
			ctx, cancel := context.WithCancel(t.Context())
			if rng.IntN(5) == 0 {
				cancel() // its time was over before it began
			}
			_, _ = w.pass(ctx, from, loop.QueueSignals, 1+rng.IntN(10))
			cancel()
			if rng.IntN(20) == 0 {
				for _, d := range w.Receive(east, loop.QueueSignals, 2) { // the region's own function
					w.Ack(east, loop.QueueSignals, d.Receipt)
					handled[string(d.Body)] = true
				}
			}
		}
		there, copies := map[string]bool{}, 0
		for _, region := range []string{west, middle} {
			for _, body := range w.lying(region, loop.QueueSignals) {
				there[body] = true
				copies++
			}
		}
		for body := range stays {
			if there[body] {
				t.Fatalf("seed %d: a standby copy was moved", seed)
			}
		}
		here := w.lying(east, loop.QueueSignals)
		for body := range moves {
			if !there[body] && !handled[body] && !slices.Contains(here, body) {
				t.Fatalf("seed %d: lost %s", seed, body)
			}
		}
		if copies-len(there) > failed {
			t.Errorf("seed %d: %d copies too many after %d failed calls", seed, copies-len(there), failed)
		}
		for _, body := range here {
			if moves[body] {
				t.Errorf("seed %d: left behind: %s", seed, body)
			}
		}
	}
}
