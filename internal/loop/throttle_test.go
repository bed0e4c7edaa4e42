package loop_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestAThrottleJudgesAlikeInAnyOrder(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 3, 4, 5, minute, 0, 0, time.UTC) }
	r := loop.Throttle{}.With(loop.Passed{DecisionID: "d", AcceptedAt: at(10)}, at(0))
	for minute, stands := range map[int]bool{0: false, 1: true, 10: true, 19: true, 20: false} {
		if by, passed := r.Judge("other", at(minute), 10*time.Minute); passed || (by != nil) != stands {
			t.Errorf("accepted at %d: in its way %v", minute, by)
		}
	}
	if by, passed := r.Judge("d", at(12), 10*time.Minute); by != nil || !passed {
		t.Error("a decision stands in its own way")
	}
	// Also where another one stands near: it has been let through, and a retry of it must not end otherwise.
	if by, passed := r.With(loop.Passed{DecisionID: "near", AcceptedAt: at(11)}, at(0)).Judge("d", at(10), 10*time.Minute); by != nil || !passed {
		t.Error("what was let through is judged again")
	}
}

func TestAThrottleForgets(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	r := loop.Throttle{}
	for i := range 3 * loop.MaxPassed {
		r = r.With(loop.Passed{DecisionID: fmt.Sprint(i), AcceptedAt: start.Add(time.Duration(i) * time.Second)}, start)
	}
	if len(r.Passed) != loop.MaxPassed || r.Passed[loop.MaxPassed-1].DecisionID != "299" {
		t.Errorf("%d are kept", len(r.Passed))
	}
	if got := r.With(loop.Passed{DecisionID: "new", AcceptedAt: start.Add(time.Hour)}, start.Add(time.Hour)); len(got.Passed) != 1 || len(r.Passed) != loop.MaxPassed {
		t.Errorf("%d are kept of what is too old to matter", len(got.Passed))
	}
}

func TestWhatASignalFollowsCameBeforeIt(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 3, 4, 5, minute, 0, 0, time.UTC) }
	r := loop.Throttle{}.With(loop.Passed{DecisionID: "later", AcceptedAt: at(20)}, at(0)).With(loop.Passed{DecisionID: "d", AcceptedAt: at(10)}, at(0))
	for minute, want := range map[int]string{9: "", 10: "", 11: "d", 15: "d", 16: "", 20: "", 21: "later"} {
		if last, ok := r.Before(at(minute), 5*time.Minute); last.DecisionID != want || ok != (want != "") {
			t.Errorf("a signal at %d follows %q, want %q", minute, last.DecisionID, want)
		}
	}
}

// A decision of which another effect was let through has happened, whichever of its effects is stopped.
func TestOnlyWhoEnteredADecisionTakesItOut(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	r := loop.Throttle{}.With(loop.Passed{DecisionID: "d", EffectID: "first", AcceptedAt: at}, at)
	if _, entered := r.Without("second"); entered {
		t.Error("taken out by one who did not enter it")
	}
	if next, entered := r.Without("first"); !entered || len(next.Passed) != 0 || len(r.Passed) != 1 {
		t.Error("not taken out, or out of the record it was read from")
	}
}
