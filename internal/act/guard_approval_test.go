package act_test

import (
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func approved(id string) loop.Effect {
	e := effect(id)
	e.Approval = true
	return e
}

// approve does what `unbroken approve` does.
func (w *world) approve(e loop.Effect) {
	w.t.Helper()
	c := w.claim(e.ID)
	if !c.WaitsForApproval() {
		w.t.Fatalf("%s does not wait for approval: %s, %s", e.ID, c.Status, c.Evidence)
	}
	if err := w.claims.In("b").Unpark(w.t.Context(), c.Approved(w.now, "ann", "go"), c.Token); err != nil {
		w.t.Fatal(err)
	}
	w.deliver("b", e)
	w.pump()
}

func TestAnEffectWaitsForItsApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e := approved("e")
	fallback := effect("fallback")
	e.Fallback = &fallback
	w.deliver("a", e)
	w.deliver("b", e)
	w.pump()
	if len(w.sent) != 0 || !strings.Contains(w.claim("e").Evidence, "unbroken approve e") {
		t.Fatalf("sent %q: %s", w.sent, w.claim("e").Evidence)
	}
	w.now = w.now.Add(48 * time.Hour) // time parked does not count
	w.answers = []act.Answer{{Verdict: act.Retry}, {Verdict: act.Refused, Evidence: "400"}}
	w.approve(e)
	c := w.claim("e")
	if len(w.sent) < 2 || c.ApprovedBy != "ann" || c.WaitsForApproval() || c.Audit[0].What != "approved: go" {
		t.Fatalf("sent %q, %+v", w.sent, c)
	}
	// It was given up, not left to a person to approve: the fallback lands. A retry does not ask again.
	if w.status("fallback") != loop.StatusDone {
		t.Errorf("the fallback is %s", w.status("fallback"))
	}
	if err := w.claims.In("a").Unpark(t.Context(), c.Reopened(w.now, "ann", "x"), c.Token); err != nil {
		t.Fatal(err)
	}
	w.deliver("a", e)
	if w.pump(); w.status("e") != loop.StatusDone {
		t.Errorf("retried, it is %s: %s", w.status("e"), w.claim("e").Evidence)
	}
}

func TestNobodyIsAskedAboutWhatIsSuppressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.limited(nil)
	w.deliver("a", limitedTo("first", "d1", 1, 0))
	e := approved("e")
	e.DecisionID, e.Budget = "d2", 1
	w.deliver("a", e)
	w.suppressed("e", "budget: ")
}

func TestNobodyIsAskedAboutWhatIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	change(t, w.controlled(nil), killed("r"))
	w.now = w.now.Add(time.Minute)
	w.deliver("a", approved("e"))
	w.suppressed("e", "killed: ")
}

// What was approved passes the kill switch like everything else.
func TestTheKillSwitchStandsBehindTheApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	controls := w.controlled(nil)
	w.deliver("a", approved("e"))
	change(t, controls, killed("r"))
	w.now = w.now.Add(time.Minute)
	w.approve(approved("e"))
	if w.suppressed("e", "killed: "); len(w.sent) != 0 {
		t.Errorf("sent %q", w.sent)
	}
}
