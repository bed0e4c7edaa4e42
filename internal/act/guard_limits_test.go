package act_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// limited gives every handler budgets and throttles.
func (w *world) limited(fault mem.Fault) *mem.Limits {
	limits := mem.NewLimits(fault)
	w.more = func(c *act.Config) { c.Budgets, c.Throttles = limits.Budgets(c.Region), limits.Throttles(c.Region) }
	return limits
}

// accepted hands an effect to a region as of its own acceptance.
func (w *world) accepted(region string, e loop.Effect, at time.Time) {
	w.t.Helper()
	body, err := loop.Encode(loop.Item{AcceptedAt: at, Input: "default", Effect: &e})
	if err != nil {
		w.t.Fatal(err)
	}
	if failed := w.handler(region).Handle(w.t.Context(), []loop.Message{{ID: "m", Body: body}}); len(failed) > 0 {
		w.t.Fatalf("message failed in %s", region)
	}
}

func limitedTo(id, decision string, budget int, throttle time.Duration) loop.Effect {
	e := effect(id)
	e.DecisionID, e.Budget, e.Throttle = decision, budget, loop.Duration(throttle)
	return e
}

func TestARuleHasItsEffectsAnHourAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.limited(nil)
	for i := range 5 {
		for _, region := range []string{"a", "b"} { // a copy spends nothing
			w.deliver(region, limitedTo(fmt.Sprint("e", i), fmt.Sprint("d", i), 3, 0))
		}
	}
	if len(w.sent) != 3 {
		t.Errorf("sent %q of a budget of 3", w.sent)
	}
	w.suppressed("e4", "budget: ")
	// The next hour has its own, by the time of acceptance and not by the clock.
	w.accepted("a", limitedTo("next", "d", 3, 0), epoch.Add(time.Hour))
	// What was done is taken back, whatever was spent.
	undo := undoOf("e0")
	undo.Budget = 3
	w.deliver("a", undo)
	if len(w.sent) != 5 {
		t.Errorf("sent %q, want the next hour's and the undo too", w.sent)
	}
}

func TestARetrySpendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.limited(nil)
	w.answers = []act.Answer{{Verdict: act.Retry}, {Verdict: act.Retry}}
	w.deliver("a", limitedTo("e", "d", 1, 0))
	w.pump()
	w.deliver("a", limitedTo("e2", "d2", 1, 0))
	if len(w.sent) != 3 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s", w.sent, w.status("e"))
	}
	w.suppressed("e2", "budget: ")
}

// A budget that cannot be reached holds the effect; nothing is sent beyond it, and nothing lost.
func TestWithoutLimitsEffectsAreHeld(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Spend", "Get", "Put"} {
		for _, when := range []mem.When{mem.Before, mem.After} {
			broken := 1
			w := newWorld(t, nil)
			w.limited(func(op mem.Op) error {
				if op.Name == name && op.When == when && broken > 0 {
					broken--
					return errors.New("throttled")
				}
				return nil
			})
			e := limitedTo("e", "d", 1, time.Minute)
			e.Class = loop.ClassOnce // one that is parked as soon as there is doubt whether it was sent
			w.deliver("a", e)
			if broken != 0 || len(w.sent) != 0 {
				t.Fatalf("%s: sent %q", name, w.sent)
			}
			w.pump()
			if len(w.sent) != 1 || w.status("e") != loop.StatusDone {
				t.Errorf("%s: sent %q, ended %s: %s", name, w.sent, w.status("e"), w.claim("e").Evidence)
			}
		}
	}
}

func TestDosOfAKeyAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.limited(nil)
	do := func(region, decision string, at time.Duration) {
		w.now = epoch.Add(20 * time.Minute)
		for _, step := range []string{"1", "2"} { // all steps of a decision are let through, or none
			e := limitedTo(decision+step, decision, 0, 10*time.Minute)
			e.ExpireAfter = loop.Duration(time.Hour)
			w.accepted(region, e, epoch.Add(at))
		}
	}
	do("a", "first", 0)
	do("b", "soon", 9*time.Minute)
	do("b", "first", 0) // copies
	do("a", "soon", 9*time.Minute)
	do("a", "apart", 10*time.Minute) // of the last one that was not suppressed
	do("a", "early", 5*time.Minute)  // comes late, and stands between the two
	var through []string
	for _, s := range w.sent {
		id, _, _ := strings.Cut(s, " ")
		through = append(through, id)
	}
	if !slices.Equal(through, []string{"first1", "first2", "apart1", "apart2"}) {
		t.Errorf("let through: %q", through)
	}
	for _, id := range []string{"soon1", "soon2", "early1", "early2"} {
		w.suppressed(id, "throttle: ")
	}
	other := limitedTo("other", "other", 0, 10*time.Minute)
	other.Key, other.ExpireAfter = "another key", loop.Duration(time.Hour)
	w.deliver("a", other)
	if w.status("other") != loop.StatusDone {
		t.Error("keys share a throttle")
	}
}

// Of two decisions that race, one is let through: whichever the record has.
func TestTwoDecisionsThatRaceAreThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	raced := false
	w.limited(func(op mem.Op) error {
		if op.Name == "Put" && op.When == mem.Before && !raced {
			raced = true
			w.deliver("b", limitedTo("other", "d2", 0, time.Minute))
		}
		return nil
	})
	w.deliver("a", limitedTo("e", "d1", 0, time.Minute))
	if !raced || len(w.sent) != 1 || w.status("other") != loop.StatusDone {
		t.Errorf("sent %q", w.sent)
	}
	w.suppressed("e", "throttle: ")
}

// What is throttled spends no budget, and what has no budget throttles nothing.
func TestThrottleAndBudgetTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.limited(nil)
	w.now = epoch.Add(time.Hour)
	at := func(id string, minute int) {
		e := limitedTo(id, id, 2, 10*time.Minute)
		e.ExpireAfter = loop.Duration(2 * time.Hour)
		w.accepted("a", e, epoch.Add(time.Duration(minute)*time.Minute))
	}
	at("first", 0)
	at("throttled", 5)
	at("second", 30)
	at("spent", 55)
	at("next hour", 60) // within 10 m of one that was suppressed
	w.suppressed("throttled", "throttle: ")
	w.suppressed("spent", "budget: ")
	if len(w.sent) != 3 || w.status("next hour") != loop.StatusDone {
		t.Errorf("sent %q", w.sent)
	}
}

func TestASilenceSuppressesWhatItCovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	controls := w.controlled(nil)
	change(t, controls, func(c loop.Controls) loop.Controls {
		c, err := c.WithSilence(loop.Silence{
			ID: "s-1", Match: []loop.Matcher{{Field: "rule", Value: "r"}, {Field: "key", Value: "k*"}}, By: "ann", Reason: "database upgrade",
			From: epoch.Add(time.Minute), Until: epoch.Add(2 * time.Minute),
		}, epoch)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
	w.now = epoch.Add(5 * time.Minute) // as of the acceptance: long over by the clock
	for _, region := range []string{"a", "b"} {
		w.accepted(region, effect("before"), epoch)
		w.accepted(region, effect("within"), epoch.Add(90*time.Second))
		w.accepted(region, effect("after"), epoch.Add(2*time.Minute))
		w.accepted(region, undoOf("before"), epoch.Add(90*time.Second)) // what was done is taken back
		w.accepted(region, undoOf("within"), epoch.Add(91*time.Second))
		notice := effect("notice")
		notice.Phase = loop.PhaseUndo
		w.accepted(region, notice, epoch.Add(90*time.Second))
		instead := effect("else")
		instead.Phase = loop.PhaseElse
		w.accepted(region, instead, epoch.Add(90*time.Second))
	}
	w.suppressed("else", "silence: s-1")
	if len(w.sent) != 4 {
		t.Errorf("sent %q, want before, after, the undo of before, and the undo that takes nothing back", w.sent)
	}
	w.suppressed("within", "silence: s-1 by ann, rule=r key=k* until 2026-01-01T00:02:00Z: database upgrade")
	if got := w.status("undo-within"); got != loop.StatusSuperseded {
		t.Errorf("the undo of what was suppressed is %s", got)
	}
}

// What a rule does not ask for costs it nothing: two writes to claims, and the controls that all effects share.
func TestAnEffectWithoutBoundsCostsTwoWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*loop.Effect)
		want   string
	}{
		"plain":      {func(*loop.Effect) {}, "Load Open Swap"},
		"shadow":     {func(e *loop.Effect) { e.Shadow = true }, "Load Open Swap"},
		"budget":     {func(e *loop.Effect) { e.Budget = 1 }, "Load Open Spend Swap"},
		"throttle":   {func(e *loop.Effect) { e.Throttle = 1 }, "Load Open Get Put Swap"},
		"approval":   {func(e *loop.Effect) { e.Approval = true }, "Load Open Swap"},
		"everything": {func(e *loop.Effect) { e.Throttle, e.Budget, e.Watched = 1, 1, 1 }, "Load Open Get Spend Put Swap"},
	} {
		var calls []string
		count := func(op mem.Op) error {
			if op.When == mem.Before {
				calls = append(calls, op.Name)
			}
			return nil
		}
		w := newWorld(t, count)
		controls, limits := mem.NewControls(count), mem.NewLimits(count)
		w.more = func(c *act.Config) {
			c.Controls, c.Stopper = controls.In(c.Region), controls.In(c.Region)
			c.Budgets, c.Throttles = limits.Budgets(c.Region), limits.Throttles(c.Region)
		}
		e := effect("e")
		e.DecisionID = "d"
		c.change(&e)
		if w.deliver("a", e); strings.Join(calls, " ") != c.want {
			t.Errorf("%s: %q, want %s", name, calls, c.want)
		}
	}
}
