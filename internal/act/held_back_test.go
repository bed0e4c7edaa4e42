package act_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// What the guard gives back was not attempted: it wears out no attempts, and at its end nothing was given up.
func TestWhatIsHeldBackIsNoAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	asked := 0
	w.limited(func(op mem.Op) error {
		if op.Name == "Spend" && op.When == mem.Before {
			asked++
			return errors.New("throttled")
		}
		return nil
	})
	e := limitedTo("e", "d", 1, 0)
	fallback := effect(loop.FallbackID("e"))
	e.Fallback = &fallback
	w.deliver("a", e)
	w.pump()
	c := w.claim("e")
	if c.Attempt != 0 || c.Status != loop.StatusExpired || len(w.sent) != 0 {
		t.Errorf("%d attempts, ended %s, sent %q: %s", c.Attempt, c.Status, w.sent, c.Evidence)
	}
	// It waits longer each time: what everybody contends for is not asked for every second.
	if asked > 100 {
		t.Errorf("asked %d times in a quarter of an hour", asked)
	}
}

// Who gives back what was taken over from a holder that vanished knows no more about its attempt than before.
func TestGivingBackDoesNotForgetAVanishedHolder(t *testing.T) {
	t.Parallel()
	unreadable := 0
	w := newWorld(t, func(op mem.Op) error {
		if op.Key == "do" && op.When == mem.Before && unreadable > 0 {
			unreadable--
			return errors.New("unreachable")
		}
		return nil
	})
	e := ofClass(loop.ClassOnce)
	e.Phase, e.Undoes = loop.PhaseUndo, "do"
	w.deliver("a", effect("do"))
	w.held(e)
	w.now = epoch.Add(hold + time.Second)
	unreadable = 2 // the do's Open and Get
	w.deliver("b", e)
	w.pump()
	c := w.claim("e")
	if unreadable != 0 || len(w.sent) != 1 || c.Status != loop.StatusParked || !strings.Contains(c.Evidence, "a/dead held it") {
		t.Errorf("sent %q, ended %s: %s", w.sent, c.Status, c.Evidence)
	}
}

// The polls of an undo are no attempts: however often it looks at its do, its key is as fresh as its horizon says.
func TestAnUndoThatPolledIsNotTakenForSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	undo := takingBack(effect("do"))
	undo.Horizon = loop.Duration(90 * time.Second)
	w.answers = []act.Answer{{Verdict: act.Retry, RetryAfter: time.Minute}}
	w.deliver("a", effect("do"))
	w.deliver("b", undo)
	w.pump()
	if w.status("undo") != loop.StatusDone {
		t.Errorf("the undo is %s: %s", w.status("undo"), w.claim("undo").Evidence)
	}
}

// Of two decisions that race, the one that loses has not used the budget up.
func TestWhatIsThrottledInTheEndGivesItsBudgetBack(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{"undisturbed": "", "the refund fails": "Refund", "the budget's answer is lost": "Spend"} {
		w := newWorld(t, nil)
		raced := false
		w.limited(func(op mem.Op) error {
			if op.Name == "Put" && op.When == mem.Before && !raced {
				raced = true
				w.deliver("b", limitedTo("other", "d2", 2, time.Minute))
			}
			if op.Name == broken && op.When == mem.After && op.From == "a" {
				broken = ""
				return errors.New("connection reset")
			}
			return nil
		})
		w.deliver("a", limitedTo("e", "d1", 2, time.Minute))
		w.pump()
		w.suppressed("e", "throttle: ")
		third := limitedTo("third", "d3", 2, time.Minute)
		w.accepted("a", third, epoch.Add(time.Minute))
		if w.status("third") != loop.StatusDone {
			t.Errorf("%s: the third is %s: %s", name, w.status("third"), w.claim("third").Evidence)
		}
	}
}

// What the kill switch stops at the last look has throttled nothing and spent nothing.
func TestWhatIsKilledInTheEndThrottlesNothing(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{"undisturbed": "", "the record cannot be written at first": "Put"} {
		w := newWorld(t, nil)
		controls, limits := mem.NewControls(nil), (*mem.Limits)(nil)
		limits = mem.NewLimits(func(op mem.Op) error {
			switch {
			case op.Name == "Put" && op.When == mem.After && w.now.Equal(epoch):
				change(t, controls, killed("r"))
				w.now = epoch.Add(loop.ControlsAge)
			case op.Name == broken && op.When == mem.Before && w.now.After(epoch):
				broken = ""
				return errors.New("unreachable")
			}
			return nil
		})
		w.more = func(c *act.Config) {
			c.Controls, c.Budgets, c.Throttles = controls.In(c.Region), limits.Budgets(c.Region), limits.Throttles(c.Region)
		}
		w.deliver("a", limitedTo("e", "d1", 1, 10*time.Minute))
		w.pump()
		w.suppressed("e", "killed: ")
		change(t, controls, func(c loop.Controls) loop.Controls { c, _ = c.WithoutKill("r", w.now, "ann", "fixed"); return c })
		w.now = epoch.Add(2 * time.Minute)
		w.accepted("b", limitedTo("next", "d2", 1, 10*time.Minute), epoch.Add(time.Minute))
		if w.status("next") != loop.StatusDone || len(w.sent) != 1 {
			t.Errorf("%s: the next is %s: %s", name, w.status("next"), w.claim("next").Evidence)
		}
	}
}
