package mem_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

func TestADoubledMessageIsAcknowledgedCopyByCopy(t *testing.T) {
	t.Parallel()
	c := newClock()
	q := mem.NewQueues(mem.QueuesConfig{Now: c.Now, Again: func() int { return 2 }})
	send(t, q, 1)
	got := q.Receive(east, loop.QueueActions, 10)
	if len(got) != 3 || got[0].ID != got[2].ID || got[0].Receipt == got[1].Receipt {
		t.Fatalf("got %+v", got)
	}
	for _, d := range got {
		if !q.Ack(east, loop.QueueActions, d.Receipt) {
			t.Error("a copy's own receipt does not delete it")
		}
	}
	if left := q.Bodies(east, loop.QueueActions); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestARedriveMovesWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	c := newClock()
	q := mem.NewQueues(mem.QueuesConfig{Now: c.Now, Visibility: time.Second, MaxReceive: 1})
	send(t, q, 2)
	q.Receive(east, loop.QueueActions, 10)
	c.Advance(time.Second)
	if got := q.Receive(east, loop.QueueActions, 10); len(got) != 0 {
		t.Fatalf("received too often: %+v", got)
	}
	keep := func(body []byte) bool { return string(body) == `{"n":0}` }
	if n := q.Redrive(east, loop.QueueActions, keep); n != 1 {
		t.Errorf("moved %d", n)
	}
	if got := q.Receive(east, loop.QueueActions, 10); len(got) != 1 || got[0].Receives != 1 || string(got[0].Body) != `{"n":1}` {
		t.Errorf("got %+v", got)
	}
}

func TestAWriteArrivesAfterItsLag(t *testing.T) {
	t.Parallel()
	c := newClock()
	table := mem.NewReplicas(mem.ReplicasConfig{
		Regions: []string{east, west}, Now: c.Now, Lag: func(_, _ string) time.Duration { return time.Second },
	})
	if err := mem.NewOutputs(table, east).Write(t.Context(), loop.Output{Key: "k", Value: []byte(`1`), Fence: "1"}); err != nil {
		t.Fatal(err)
	}
	read := func() error { _, err := mem.NewOutputs(table, west).Read(t.Context(), "k"); return err }
	if table.Replicate(); !errors.Is(read(), loop.ErrNotFound) {
		t.Error("arrived at once")
	}
	c.Advance(time.Second)
	if table.Replicate(); read() != nil {
		t.Error("never arrived")
	}
}

func TestAMinorityNeitherReadsNorWritesClaims(t *testing.T) {
	t.Parallel()
	severed := map[string]bool{}
	up := func(from, to string) bool { return !severed[from] && !severed[to] }
	down := errors.New("no majority")
	claims := mem.NewClaims(mem.Quorum([]string{east, west, "witness"}, up, down))
	for _, c := range []struct {
		cut        string
		east, west error
	}{{"", loop.ErrNotFound, loop.ErrNotFound}, {"witness", loop.ErrNotFound, loop.ErrNotFound}, {west, down, down}} {
		severed[c.cut] = true // the witness stays cut off in the last case: nobody has two of three
		for region, want := range map[string]error{east: c.east, west: c.west} {
			if _, err := claims.In(region).Get(t.Context(), "e"); !errors.Is(err, want) {
				t.Errorf("without %s, %s gets %v, want %v", c.cut, region, err, want)
			}
		}
	}
}

// Each class of target is as strong as it says and no stronger: what two requests of one effect, and one of an older
// effect after a newer one, come to.
func TestTargetsAreAsStrongAsTheirClass(t *testing.T) {
	t.Parallel()
	for class, want := range map[loop.Class]struct {
		again bool // a repetition takes effect
		older act.Verdict
	}{
		loop.ClassKeyed:  {false, act.Delivered},
		loop.ClassFenced: {false, act.Outdated},
		loop.ClassSet:    {false, act.Outdated},
		loop.ClassOnce:   {true, act.Delivered},
	} {
		c := newClock()
		targets := mem.NewTargets(mem.TargetsConfig{Now: c.Now})
		e := loop.Effect{ID: "new", Class: class, Fence: "2", Horizon: loop.Duration(time.Minute), Request: &loop.Request{URL: "u"}}
		old := e
		old.ID, old.Fence = "old", "1"
		targets.Deliver(t.Context(), e)
		targets.Deliver(t.Context(), e)
		if got := targets.Got(); !got[0].Applied || (len(got) > 1 && got[1].Applied) != want.again {
			t.Errorf("%s: %+v", class, got)
		}
		if a := targets.Deliver(t.Context(), old); a.Verdict != want.older {
			t.Errorf("%s: an older one gets %+v", class, a)
		}
		if last, ok := targets.Holds(e); class == loop.ClassSet && (!ok || last.ID != "new") {
			t.Errorf("holds %+v", last)
		}
		if class == loop.ClassKeyed { // past its horizon the key is forgotten
			c.Advance(time.Minute)
			targets.Deliver(t.Context(), e)
			if got := targets.Got(); !got[len(got)-1].Applied {
				t.Error("the key is remembered for ever")
			}
		}
	}
}

// A target of class set is looked at before it is written, and that is all: a write that was on its way already lands
// over a newer one.
func TestALateWriteOverwritesWhatIsSet(t *testing.T) {
	t.Parallel()
	c := newClock()
	var land func()
	late := mem.Passage{Late: time.Minute, Answer: &act.Answer{Verdict: act.Retry}}
	targets := mem.NewTargets(mem.TargetsConfig{
		Now: c.Now, Later: func(_ time.Duration, f func()) { land = f },
		Passage: func(e loop.Effect) mem.Passage {
			if e.ID == "old" {
				return late
			}
			return mem.Passage{}
		},
	})
	e := loop.Effect{ID: "old", Class: loop.ClassSet, Fence: "1", Request: &loop.Request{URL: "u"}}
	targets.Deliver(t.Context(), e)
	began := c.Now()
	c.Advance(time.Second)
	e.ID, e.Fence = "new", "2"
	targets.Deliver(t.Context(), e)
	land()
	last, ok := targets.Holds(e)
	if got := targets.Got(); !ok || last.ID != "old" || len(got) != 2 || !got[1].Began.Equal(began) {
		t.Errorf("holds %+v after %+v", last, got)
	}
}

func TestWhatHappensOnTheWayToATarget(t *testing.T) {
	t.Parallel()
	reset := act.Answer{Verdict: act.Retry, Evidence: "reset"}
	for name, c := range map[string]struct {
		passage mem.Passage
		reached int
		answer  act.Verdict
	}{
		"all good":           {mem.Passage{}, 1, act.Delivered},
		"500 before applied": {mem.Passage{Lost: true, Answer: &reset}, 0, act.Retry},
		"500 after applied":  {mem.Passage{Answer: &reset}, 1, act.Retry},
		"lands too late":     {mem.Passage{Takes: time.Second, Late: time.Second, Answer: &reset}, 1, act.Retry},
	} {
		clock := newClock()
		var waited time.Duration
		targets := mem.NewTargets(mem.TargetsConfig{
			Now: clock.Now, Passage: func(loop.Effect) mem.Passage { return c.passage },
			Wait: func(d time.Duration) { waited += d }, Later: func(_ time.Duration, f func()) { f() },
		})
		a := targets.Deliver(context.Background(), loop.Effect{ID: "e", Class: loop.ClassOnce})
		if a.Verdict != c.answer || len(targets.Got()) != c.reached || waited != c.passage.Takes {
			t.Errorf("%s: %+v, reached %d times, waited %s", name, a, len(targets.Got()), waited)
		}
	}
}
