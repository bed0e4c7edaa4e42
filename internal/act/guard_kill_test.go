package act_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// controlled gives every handler the controls, which the test changes.
func (w *world) controlled(fault mem.Fault) *mem.Controls {
	controls := mem.NewControls(fault)
	w.more = func(c *act.Config) { c.Controls = controls.In(c.Region) }
	return controls
}

// change stores what edit makes of the controls.
func change(t *testing.T, s *mem.Controls, edit func(loop.Controls) loop.Controls) {
	t.Helper()
	c, err := s.In("a").Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.In("a").Store(t.Context(), edit(c)); err != nil {
		t.Fatal(err)
	}
}

func killed(scope string) func(loop.Controls) loop.Controls {
	return func(c loop.Controls) loop.Controls {
		c, _ = c.WithKill(loop.Kill{Scope: scope, By: "ann", Reason: "it sheds everything", At: epoch})
		return c
	}
}

func TestAKillSwitchStopsARuleOrAll(t *testing.T) {
	t.Parallel()
	for scope, stops := range map[string]bool{"r": true, loop.ScopeAll: true, "other": false} {
		w := newWorld(t, nil)
		controls := w.controlled(nil)
		change(t, controls, killed(scope))
		w.deliver("a", effect("e"))
		w.deliver("b", effect("e"))
		if !stops {
			if len(w.sent) != 1 {
				t.Errorf("the switch of another rule stopped this one: %q", w.claim("e").Evidence)
			}
			continue
		}
		if w.suppressed("e", "killed: "); len(w.sent) != 0 || !strings.Contains(w.claim("e").Evidence, "by ann: it sheds everything") {
			t.Errorf("sent %q: %s", w.sent, w.claim("e").Evidence)
		}
		// Nothing bursts out when it is off again; what is new is sent.
		change(t, controls, func(c loop.Controls) loop.Controls { c, _ = c.WithoutKill(scope, epoch, "ann", "fixed"); return c })
		w.deliver("a", effect("e"))
		w.deliver("a", effect("new"))
		if w.pump(); len(w.sent) != 1 || w.status("new") != loop.StatusDone {
			t.Errorf("after reviving: sent %q", w.sent)
		}
	}
}

// The switch counts as of the send: it stops a retry of what was under way, and a person has to look.
func TestAKillSwitchParksWhatMayHaveBeenApplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	controls := w.controlled(nil)
	w.answers = []act.Answer{{Verdict: act.Retry, Evidence: "503"}}
	w.deliver("a", effect("e"))
	w.held(effect("vanished"))
	w.deliver("a", effect("done"))
	change(t, controls, killed("r"))
	w.deliver("b", effect("vanished"))
	w.deliver("b", undoOf("done"))
	w.pump()
	if len(w.sent) != 2 {
		t.Errorf("sent %q", w.sent)
	}
	for _, id := range []string{"e", "vanished", "undo-done"} {
		if c := w.claim(id); c.Status != loop.StatusParked || !strings.HasPrefix(c.Evidence, "killed: ") {
			t.Errorf("%s is %s: %s", id, c.Status, c.Evidence)
		}
	}
	// A person retries the undo when the rule is revived.
	change(t, controls, func(c loop.Controls) loop.Controls { c, _ = c.WithoutKill("r", epoch, "ann", "x"); return c })
	undo := w.claim("undo-done")
	if err := w.claims.In("a").Unpark(t.Context(), undo.Reopened(w.now, "ann", "x"), undo.Token); err != nil {
		t.Fatal(err)
	}
	w.deliver("a", undoOf("done"))
	if w.pump(); w.status("undo-done") != loop.StatusDone {
		t.Errorf("the undo is %s", w.status("undo-done"))
	}
}

// What cannot be known must not be guessed: nothing is claimed, and nothing is lost.
func TestWithoutControlsEffectsAreHeld(t *testing.T) {
	t.Parallel()
	down := true
	w := newWorld(t, nil)
	w.controlled(func(mem.Op) error {
		if down {
			return errors.New("unreachable")
		}
		return nil
	})
	w.deliver("a", effect("e"))
	if all, err := w.claims.All(); err != nil || len(all) != 0 || len(w.sent) != 0 {
		t.Fatalf("%v: claimed %d, sent %q", err, len(all), w.sent)
	}
	down = false
	w.pump()
	if w.status("e") != loop.StatusDone {
		t.Errorf("ended %s", w.status("e"))
	}
}

// The switch is read again at the send. Where it cannot be, the claim is given back in order: nobody may take it for
// that of a holder who vanished.
func TestAnEffectIsNotSentWhileTheSwitchCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	loads := 0
	w.controlled(func(op mem.Op) error {
		if op.When == mem.Before {
			if loads++; loads == 2 {
				return errors.New("throttled")
			}
		}
		return nil
	})
	w.clock = func() time.Time { w.now = w.now.Add(loop.ControlsAge); return w.now } // a slow claim: what was read is old
	w.deliver("a", ofClass(loop.ClassOnce))
	if len(w.sent) != 0 || !strings.Contains(w.claim("e").Evidence, "throttled") {
		t.Fatalf("sent %q, evidence %q", w.sent, w.claim("e").Evidence)
	}
	w.clock = nil
	w.pump()
	if len(w.sent) != 1 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s", w.sent, w.status("e"))
	}
}

// counting counts reads that take their time.
type counting struct {
	mu    sync.Mutex
	reads int
	err   error
}

func (c *counting) Load(context.Context) (loop.Controls, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	time.Sleep(50 * time.Millisecond) // of a synctest bubble
	return loop.Controls{}, c.err
}

// The controls cost a read a second at most, not one an effect; and a change is seen within that second.
func TestTheControlsAreReadOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		source := &counting{}
		h := act.New(act.Config{
			Region: "a", Claims: w.claims.In("a"), Queue: w.queues.From("a"), Targets: map[string]act.Target{loop.TargetWebhook: paced{"hook": func() time.Duration { return 0 }}},
			Hold: hold, Margin: time.Second, Backoff: act.DefaultBackoff(), Unclaimed: act.DefaultBackoff(), Now: time.Now,
			NewOwner: func() string { return "a/1" }, Recorder: silent{}, Controls: source,
		})
		batch := func(n int) {
			msgs := make([]loop.Message, n)
			for i := range msgs {
				e := effect(strings.Repeat("e", source.reads*n+i+1))
				body, err := loop.Encode(loop.Item{AcceptedAt: time.Now(), Input: "default", Effect: &e})
				if err != nil {
					t.Fatal(err)
				}
				msgs[i] = loop.Message{ID: e.ID, Body: body}
			}
			h.Handle(t.Context(), msgs)
		}
		batch(30)
		if batch(30); source.reads != 1 {
			t.Errorf("60 effects at once cost %d reads", source.reads)
		}
		time.Sleep(loop.ControlsAge)
		if batch(30); source.reads != 2 {
			t.Errorf("a second later: %d reads in all", source.reads)
		}
		time.Sleep(loop.ControlsAge)
		source.err = errors.New("unreachable")
		if batch(30); source.reads > 4 { // they share a failed read too, or a batch would wait for each
			t.Errorf("30 effects made %d reads of what cannot be read", source.reads-2)
		}
	})
}

// What a kill switch stopped throttles nothing: it is not among what was let through.
func TestWhatIsKilledThrottlesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	controls, limits := mem.NewControls(nil), mem.NewLimits(nil)
	w.more = func(c *act.Config) {
		c.Controls, c.Budgets, c.Throttles = controls.In(c.Region), limits.Budgets(c.Region), limits.Throttles(c.Region)
	}
	change(t, controls, killed("r"))
	w.deliver("a", limitedTo("stopped", "d1", 1, time.Minute))
	change(t, controls, func(c loop.Controls) loop.Controls { c, _ = c.WithoutKill("r", epoch, "ann", "x"); return c })
	w.deliver("a", limitedTo("next", "d2", 1, time.Minute))
	w.suppressed("stopped", "killed: ")
	if w.status("next") != loop.StatusDone {
		t.Errorf("the next one is %s: %s", w.status("next"), w.claim("next").Evidence)
	}
}
