package act_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// failing fails the nth call of a name, before it is done.
func failing(name string, nth int) mem.Fault {
	seen := 0
	return func(op mem.Op) error {
		if op.Name != name || op.When != mem.Before {
			return nil
		}
		if seen++; seen == nth {
			return errors.New("unreachable")
		}
		return nil
	}
}

// A takeover whose write never arrived is none: without the claim nothing is sent.
func TestATakeoverThatWasNotWrittenIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, failing("Swap", 1))
	w.held(effect("e"))
	w.now = epoch.Add(hold + time.Second)
	w.deliver("b", effect("e"))
	if len(w.sent) != 0 {
		t.Fatal("sent without holding the claim")
	}
	w.pump()
	if len(w.sent) != 1 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %d times, ended %s", len(w.sent), w.status("e"))
	}
}

// A commit that was not written is made good by the next delivery, under the same key.
func TestACommitThatWasNotWrittenIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, failing("Swap", 1))
	w.deliver("a", effect("e"))
	w.pump()
	if !slices.Equal(w.sent, []string{"e first", "e first"}) || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s", w.sent, w.status("e"))
	}
}

// A holder that slept through its claim's time must not end what its successor is still working on.
func TestAPausedHolderCannotEndAnothersWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Refused, Evidence: "400 to the paused one"}}
	w.during = func() {
		w.during = nil
		w.now = w.now.Add(hold + time.Second)
		w.answers = append([]act.Answer{{Verdict: act.Retry, Evidence: "503"}}, w.answers...)
		w.deliver("b", effect("e")) // takes over, and will try again
	}
	w.deliver("a", effect("e"))
	if got := w.status("e"); got != loop.StatusClaimed {
		t.Errorf("the paused holder ended the claim as %s", got)
	}
	w.pump()
	if got := w.status("e"); got != loop.StatusDone {
		t.Errorf("ended %s", got)
	}
}

// FAULTS 23: a rule whose action feeds its own input comes to an end.
func TestCausationEndsAfterTheLastHop(t *testing.T) {
	t.Parallel()
	for hops, want := range map[int]int{loop.MaxHops - 1: 1, loop.MaxHops: 0} {
		w := newWorld(t, nil)
		e := effect("e")
		e.Emit = []loop.Status{loop.StatusDone}
		body, err := loop.Encode(loop.Item{AcceptedAt: epoch, Input: "default", Hops: hops, Effect: &e})
		if err != nil {
			t.Fatal(err)
		}
		w.handler("a").Handle(t.Context(), []loop.Message{{ID: "m", Body: body}})
		if got := len(w.queues.Receive("a", loop.QueueSignals, 10)); got != want {
			t.Errorf("after %d hops %d outcomes are emitted, want %d", hops, got, want)
		}
	}
}
