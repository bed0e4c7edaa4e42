package salvage_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

// lasting queues make a dead letter of what has been received twenty times, as those of the stacks do.
func lastingQueues(fault mem.Fault, shuffle func(int, func(i, j int))) *world {
	w := &world{now: noon}
	w.Queues = mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return w.now }, MaxReceive: 20, Fault: fault, Shuffle: shuffle})
	return w
}

func (w *world) dead() (n int) {
	for _, queue := range loop.Queues() {
		n += len(w.lying(east, loop.DeadLetter(queue)))
	}
	return n
}

// Copies for which their region's decide is not called lie there for as long as it is drained. That two others look at
// them every minute makes no dead letter of any, and what only this region has is moved in the minute in which it comes.
func TestStandbyCopiesOutliveADrain(t *testing.T) {
	t.Parallel()
	const copies = 60
	w := lastingQueues(nil, nil)
	for i := range copies {
		w.put(t, loop.QueueSignals, message(standby(signal(fmt.Sprint(i)))))
		w.put(t, loop.QueueActions, message(standby(effect(fmt.Sprint(i)))))
	}
	salvagers := []*salvage.Worker{w.worker(nil), w.worker(nil)}
	salvagers[1].Region, salvagers[1].Queues = middle, w.Poller(middle)
	for minute := range 2 * 60 {
		w.put(t, loop.QueueSignals, message(signal(fmt.Sprint("regional ", minute))))
		moved := 0
		for _, s := range salvagers {
			s.States = statesOf(map[string]region.View{east: drained(time.Hour, region.Drain)})
			report, err := s.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			moved += report[east].Moved
		}
		if moved != 1 {
			t.Fatalf("minute %d: %d moved", minute, moved)
		}
		w.now = w.now.Add(time.Minute)
	}
	if s, a := len(w.lying(east, loop.QueueSignals)), len(w.lying(east, loop.QueueActions)); w.dead() > 0 || s != copies || a != copies {
		t.Errorf("%d dead letters, %d signals and %d effects are left", w.dead(), s, a)
	}
}

// Thousands of copies lie before what only this region has, in no order: it is moved by the first run.
func TestWhatLiesBehindStandbyCopiesIsMoved(t *testing.T) {
	t.Parallel()
	for name, shuffle := range map[string]func(int, func(i, j int)){"in the order of sending": nil, "in none": rand.New(rand.NewPCG(1, 2)).Shuffle} {
		w := lastingQueues(nil, shuffle)
		for i := range 2000 {
			w.put(t, loop.QueueSignals, message(standby(signal(fmt.Sprint(i)))))
		}
		for i := range 20 {
			w.put(t, loop.QueueSignals, message(signal(fmt.Sprint("regional ", i))))
		}
		report, err := w.worker(map[string]region.View{east: drained(time.Hour, region.Drain)}).Run(t.Context())
		if got := report[east]; err != nil || got.Moved != 20 || got.Stayed != 2000 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Its own decide gets the copies: all are visible once a run is over, whatever happened, and none is hidden for longer than
// a pass lasts. Who dies with them in hand gives them back within the minute.
func TestTheRegionsOwnDecideGetsItsStandbyCopies(t *testing.T) {
	t.Parallel()
	const copies = 2000
	for name, c := range map[string]struct {
		fails func(op mem.Op) bool
		after time.Duration // all are visible
	}{
		"all goes well":           {func(mem.Op) bool { return false }, 0},
		"what moves is not taken": {func(op mem.Op) bool { return op.Name == "Send" && op.Region == west }, 0},
		"it dies":                 {func(op mem.Op) bool { return op.Name == "Return" }, 45 * time.Second},
	} {
		var w *world
		var first, last time.Time
		running := false
		w = lastingQueues(func(op mem.Op) error {
			switch {
			case !running || op.Region == west && op.When == mem.After:
			case c.fails(op):
				return errors.New("fails")
			case op.Name == "Receive" && op.When == mem.Before:
				w.now = w.now.Add(500 * time.Millisecond) // a region that is far away, and slow
				if op.Key == loop.QueueSignals && first.IsZero() {
					first = w.now
				}
			case op.Name == "Return" && op.When == mem.After:
				last = w.now
			}
			return nil
		}, nil)
		for i := range copies {
			w.put(t, loop.QueueSignals, message(standby(signal(fmt.Sprint(i)))))
			if i == 100 {
				w.put(t, loop.QueueSignals, message(signal("regional")))
			}
		}
		running = true
		report, _ := w.worker(map[string]region.View{east: drained(time.Hour, region.Drain)}).Run(t.Context())
		if report[east].Stayed < 100 || last.Sub(first) > 21*time.Second {
			t.Errorf("%s: %+v, some for %s", name, report, last.Sub(first))
		}
		hidden := 0
		for _, m := range w.Lying(east, loop.QueueSignals) {
			if m.Visible.After(w.now.Add(c.after)) {
				hidden++
			}
		}
		if hidden > 0 {
			t.Errorf("%s: %d of %d are hidden", name, hidden, copies)
		}
	}
}

// Nothing is looked at twice in a pass, however slow it is.
func TestWhatStaysIsLookedAtOnceInAPass(t *testing.T) {
	t.Parallel()
	var w *world
	w = lastingQueues(func(op mem.Op) error {
		if op.Name == "Receive" && op.When == mem.Before {
			w.now = w.now.Add(1500 * time.Millisecond)
		}
		return nil
	}, nil)
	for i := range 105 {
		w.put(t, loop.QueueSignals, message(standby(signal(fmt.Sprint(i)))))
	}
	if p, err := w.pass(t.Context(), west, loop.QueueSignals, 10); err != nil || p.Stayed != 105 || !p.Whole {
		t.Errorf("%+v, %v", p, err)
	}
}

// A queue that gives its messages out and from which none can be moved or renewed is looked at ever less often, and each run
// says so. What lies in the other ones is moved all the same.
func TestWhatCannotBeRenewedIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Send", "Delete"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); leftAlone(t, name) })
	}
}

func leftAlone(t *testing.T, name string) {
	down := errors.New("refused")
	calm := true
	w := lastingQueues(mem.On(func(op mem.Op) bool { return !calm && op.Name == name && op.Key == loop.QueueSignals }, down), nil)
	for i := range 5 {
		w.put(t, loop.QueueSignals, message(standby(signal(fmt.Sprint(i)))))
		w.put(t, loop.QueueSignals, message(signal(fmt.Sprint(i))))
	}
	calm = false
	salvagers := []*salvage.Worker{w.worker(nil), w.worker(nil)}
	salvagers[1].Region, salvagers[1].Queues = middle, w.Poller(middle)
	failed := 0
	for minute := range 4 * 24 * 60 {
		w.now = w.now.Add(time.Minute)
		if minute%10 == 0 && (w.dead() > 0 || len(w.lying(east, loop.QueueSignals)) > 200) {
			t.Fatalf("minute %d: %d dead letters, %d are left", minute, w.dead(), len(w.lying(east, loop.QueueSignals)))
		}
		if minute%60 == 0 {
			calm = true
			w.put(t, loop.QueueInbox, loop.Outgoing{Body: []byte("event")})
			calm = false
		}
		for _, s := range salvagers {
			s.States = statesOf(map[string]region.View{east: drained(time.Hour, region.Drain)})
			if _, err := s.Run(t.Context()); err != nil {
				failed++
			}
		}
	}
	left := len(w.lying(east, loop.QueueSignals))
	moved := len(w.lying(west, loop.QueueInbox))
	if w.dead() > 0 || left < 10 || left > 200 || moved != 4*24 || failed < 2*(4*24*60-salvage.Renew) {
		t.Errorf("%d dead letters, %d are left; %d events moved; %d runs failed", w.dead(), left, moved, failed)
	}
}

// A copy that is renewed is the same one, to the byte and its group; what a canary's source alone makes stay in inbox is
// not, for ingest would give it up, too.
func TestWhatIsRenewedIsTheSame(t *testing.T) {
	t.Parallel()
	w := lastingQueues(nil, nil)
	c := message(standby(signal("a")))
	w.put(t, loop.QueueSignals, c)
	w.wear(t, salvage.Renew-1)
	p, err := w.pass(t.Context(), west, loop.QueueSignals, 10)
	got := w.Receive(east, loop.QueueSignals, 10)
	if err != nil || p.Moved > 0 || len(got) != 1 || string(got[0].Body) != string(c.Body) || got[0].Group != c.Group || got[0].Receives > 2 {
		t.Errorf("%+v, %v: %+v", p, err, got)
	}
	w.put(t, loop.QueueInbox, loop.Outgoing{Body: []byte(`{"source":"` + loop.CanarySource + `","type":"x"}`)})
	for range 25 {
		if _, err := w.pass(t.Context(), west, loop.QueueInbox, 10); err != nil {
			t.Fatal(err)
		}
	}
	if w.dead() != 1 {
		t.Errorf("%d dead letters", w.dead())
	}
}
