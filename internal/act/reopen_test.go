package act_test

import (
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// A claim is parked, and a person reopens it days later: past its expire_after and past the target's horizon.
func TestAReopenedClaimIsSentOnceMoreWheneverThatIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Refused, Evidence: "400"}}
	w.deliver("a", effect("e"))
	if w.status("e") != loop.StatusParked {
		t.Fatalf("it is %s", w.status("e"))
	}

	w.now = epoch.Add(72 * time.Hour)
	view := w.claims.In("b")
	parked, err := view.Get(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	if err := view.Unpark(t.Context(), parked.Reopened(w.now, "ann", "the target is repaired"), parked.Token); err != nil {
		t.Fatal(err)
	}
	// The command crashed before or after it sent the message, and was run again; a copy was redriven too.
	w.now = w.now.Add(time.Second)
	for _, region := range []string{"b", "a", "b"} {
		w.deliver(region, effect("e"))
		w.pump()
	}
	if len(w.sent) != 2 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s: want one attempt before and one after", w.sent, w.status("e"))
	}
	if c, _ := view.Get(t.Context(), "e"); len(c.Audit) != 1 || c.Audit[0].By != "ann" {
		t.Errorf("the stages lost who reopened it: %+v", c.Audit)
	}
}

// What a person ended stays ended, whatever message is still on its way.
func TestADiscardedClaimIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Refused, Evidence: "400"}}
	w.deliver("a", effect("e"))
	view := w.claims.In("a")
	parked, err := view.Get(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	if err := view.Unpark(t.Context(), parked.Settled(loop.StatusSuppressed, w.now, "ann", "too late"), parked.Token); err != nil {
		t.Fatal(err)
	}
	w.deliver("b", effect("e"))
	w.pump()
	if len(w.sent) != 1 || w.status("e") != loop.StatusSuppressed {
		t.Errorf("sent %q, ended %s", w.sent, w.status("e"))
	}
}
