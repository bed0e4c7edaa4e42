package act_test

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func (w *world) claim(id string) loop.Claim {
	w.t.Helper()
	c, err := w.claims.In("a").Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// suppressed fails unless the effect ended as suppressed, for the reason.
func (w *world) suppressed(id, reason string) {
	w.t.Helper()
	if c := w.claim(id); c.Status != loop.StatusSuppressed || !strings.HasPrefix(c.Evidence, reason) {
		w.t.Errorf("%s is %s, %q; want suppressed, %s", id, c.Status, c.Evidence, reason)
	}
}

func undoOf(do string) loop.Effect {
	undo := effect("undo-" + do)
	undo.Phase, undo.Undoes, undo.Fence = loop.PhaseUndo, do, "2"
	return undo
}

func TestARuleInShadowSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	do, notice := effect("e"), effect("notice")
	do.Shadow, notice.Shadow, notice.Phase = true, true, loop.PhaseUndo // an undo that takes nothing back
	undo := undoOf("e")
	undo.Shadow = true
	for _, region := range []string{"a", "b"} {
		w.deliver(region, do)
		w.deliver(region, undo)
		w.deliver(region, notice)
	}
	w.pump()
	if len(w.sent) != 0 || w.status(undo.ID) != loop.StatusSuperseded {
		t.Errorf("sent %q, the undo is %s", w.sent, w.status(undo.ID))
	}
	w.suppressed("e", "shadow: ")
	w.suppressed("notice", "shadow: ")
}

// Of a rule that was put into the shadow while an episode was open, the undo of what was done runs.
func TestShadowDoesNotKeepWhatWasDoneFromBeingUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	undo := undoOf("e")
	undo.Shadow = true
	w.deliver("a", effect("e"))
	w.deliver("b", undo)
	w.pump()
	if len(w.sent) != 2 || w.status(undo.ID) != loop.StatusDone {
		t.Errorf("sent %q, the undo is %s", w.sent, w.status(undo.ID))
	}
}

// In shadow nobody sends, so that a holder that vanished leaves no doubt.
func TestAShadowOfClassOnceIsNeverParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e := ofClass(loop.ClassOnce)
	e.Shadow = true
	w.held(e)
	w.deliver("b", e)
	w.pump()
	w.suppressed("e", "shadow: ")
}
