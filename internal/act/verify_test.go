package act_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func proves(id string) loop.Effect {
	e := effect(id)
	e.DecisionID = "d"
	e.Verify = &loop.Verification{
		Within: loop.Duration(time.Minute), Settle: loop.Duration(20 * time.Second), Ordinal: 1, After: epoch, Else: []loop.Effect{effect("else")},
	}
	return e
}

// timers takes what a region has on `signals` by then.
func (w *world) timers(region string, at time.Time) (items []loop.Item) {
	w.t.Helper()
	now := w.now
	w.now = at
	for _, d := range w.queues.Receive(region, loop.QueueSignals, 10) {
		var env loop.Envelope
		if err := json.Unmarshal(d.Body, &env); err != nil {
			w.t.Fatal(err)
		}
		items = append(items, env.Items...)
		w.queues.Ack(region, loop.QueueSignals, d.Receipt)
	}
	w.now = now
	return items
}

// The copy in the other region finds the do done and starts the same timer there: that is how it is mirrored.
func TestADoneDoStartsItsVerificationInBothRegions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.deliver("a", proves("e"))
	w.now = w.now.Add(25 * time.Second)
	w.standby("b", proves("e"))
	due := epoch.Add(80 * time.Second)
	if early := w.timers("a", due.Add(-time.Second)); len(early) > 0 {
		t.Errorf("%d timers came too early", len(early))
	}
	a, b := w.timers("a", due), w.timers("b", due)
	if len(a) != 1 || len(b) != 1 || !bytes.Equal(a[0].Signal, b[0].Signal) || a[0].Standby || !b[0].Standby {
		t.Fatalf("a: %+v\nb: %+v", a, b)
	}
	var signal struct {
		ID, Type string
		Time     time.Time
		Data     loop.VerifyData
	}
	if err := json.Unmarshal(a[0].Signal, &signal); err != nil {
		t.Fatal(err)
	}
	if signal.ID != loop.TimerID("verify", "d", 1) || signal.Type != loop.TimerVerify || !signal.Data.Until.Equal(epoch.Add(time.Minute)) ||
		!a[0].AcceptedAt.Equal(due) || a[0].Input != loop.TimerSource || signal.Data.Else[0].ID != "else" {
		t.Errorf("%+v", signal)
	}
}

func TestAVerificationTravelsInLegs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	long := proves("e")
	long.Verify.Within = loop.Duration(3 * time.Hour)
	w.deliver("a", long)
	if leg := w.timers("a", epoch.Add(loop.MaxLeg)); len(leg) != 1 {
		t.Errorf("%d legs", len(leg))
	}
}

// What was not done, for whatever reason, is not verified.
func TestWhatWasNotDoneIsNotVerified(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(w *world){
		"parked":     func(w *world) { w.answers = []act.Answer{{Verdict: act.Refused}}; w.deliver("a", proves("e")) },
		"superseded": func(w *world) { w.answers = []act.Answer{{Verdict: act.Outdated}}; w.deliver("a", proves("e")) },
		"expired":    func(w *world) { w.now = w.now.Add(time.Hour); w.deliver("a", proves("e")) },
		"suppressed": func(w *world) { e := proves("e"); e.Shadow = true; w.deliver("a", e) },
		"not yet":    func(w *world) { w.answers = []act.Answer{{Verdict: act.Retry}}; w.deliver("a", proves("e")) },
	} {
		w := newWorld(t, nil)
		if run(w); len(w.timers("a", epoch.Add(3*time.Hour))) > 0 {
			t.Errorf("%s: a verification was started", name)
		}
	}
}

// A fallback that is done stands for the effect that was given up.
func TestAFallbackIsVerifiedInstead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e, instead := proves("e"), effect("f")
	e.Fallback = &instead
	w.answers = []act.Answer{{Verdict: act.Refused}}
	w.deliver("a", e)
	for _, d := range w.queues.Receive("a", loop.QueueActions, 10) {
		w.handler("a").Handle(t.Context(), []loop.Message{d.Message})
	}
	if got := w.timers("a", epoch.Add(time.Hour)); len(got) != 1 || w.status("f") != loop.StatusDone {
		t.Errorf("%d timers, the fallback is %s", len(got), w.status("f"))
	}
}
