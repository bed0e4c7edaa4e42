package act_test

import (
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func takingBack(do loop.Effect) loop.Effect {
	undo := effect("undo")
	undo.Phase, undo.Undoes = loop.PhaseUndo, do.ID
	return undo
}

// A do that is retried for an hour lands after its undo's fifteen minutes: the undo must still follow it.
func TestAnUndoOutlastsItsDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	do := effect("do")
	do.ExpireAfter = loop.Duration(4 * time.Hour)
	w.answers = []act.Answer{{Verdict: act.Retry, RetryAfter: time.Hour}}
	w.deliver("a", do)
	w.deliver("a", takingBack(do))
	w.pump()
	if w.status("do") != loop.StatusDone || w.status("undo") == loop.StatusExpired {
		t.Errorf("do %s, undo %s: what stands must be undone, or wait for a person", w.status("do"), w.status("undo"))
	}
}

// An undo that comes late to a do that stands is for a person, not for nobody.
func TestALateUndoOfWhatStandsIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.deliver("a", effect("do"))
	w.now = epoch.Add(time.Hour)
	w.deliver("a", takingBack(effect("do")))
	w.pump()
	if w.status("undo") != loop.StatusParked || !slices.Equal(w.sent, []string{"do first"}) {
		t.Errorf("undo %s, sent %q", w.status("undo"), w.sent)
	}
}

// A fallback is for what the target would not take. What merely waits for a person has none.
func TestNoFallbackForWhatWasNotGivenUp(t *testing.T) {
	t.Parallel()
	fallback := effect(loop.FallbackID("e"))
	for name, c := range map[string]struct {
		class   loop.Class
		answers []act.Answer
	}{
		"once, the answer is lost": {loop.ClassOnce, []act.Answer{{Verdict: act.Retry, Evidence: "no answer"}}},
	} {
		w := newWorld(t, nil)
		e := ofClass(c.class)
		e.Fallback, w.answers = &fallback, c.answers
		w.deliver("a", e)
		w.pump()
		if w.status("e") != loop.StatusParked || len(w.sent) != 1 {
			t.Errorf("%s: ended %s, sent %q", name, w.status("e"), w.sent)
		}
	}
	w := newWorld(t, nil)
	do, undo := effect("do"), takingBack(effect("do"))
	undo.Fallback, w.answers = &fallback, []act.Answer{{Verdict: act.Refused, Evidence: "404"}}
	w.deliver("a", do)
	w.deliver("a", undo)
	w.pump()
	if w.status("undo") != loop.StatusParked || len(w.sent) != 1 {
		t.Errorf("the undo of a parked do: ended %s, sent %q", w.status("undo"), w.sent)
	}
}
