package act_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// unwritable is a world whose outputs fail until `until`.
func unwritable(t *testing.T, until time.Duration) *world {
	w := newWorld(t, nil)
	w.tables = mem.NewReplicas(mem.ReplicasConfig{
		Regions: []string{"a", "b"}, Now: func() time.Time { return w.now }, Immediate: true,
		Fault: func(op mem.Op) error {
			if op.When == mem.Before && w.now.Before(epoch.Add(until)) {
				return errors.New("throttled")
			}
			return nil
		},
	})
	return w
}

func leaving(e loop.Effect) loop.Effect {
	e.Output = &loop.OutputSpec{Key: "k", Value: json.RawMessage("1")}
	fallback := effect(loop.FallbackID(e.ID))
	e.Fallback = &fallback
	return e
}

// What the target took is not sent again because its output cannot be written, whatever its class.
func TestOnlyTheOutputIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for _, class := range []loop.Class{loop.ClassKeyed, loop.ClassFenced, loop.ClassSet, loop.ClassOnce} {
		w := unwritable(t, 10*time.Minute)
		e := leaving(ofClass(class))
		e.Horizon = loop.Duration(3 * time.Minute) // a second request would come too late
		w.deliver("a", e)
		w.standby("b", e)
		w.pump()
		if !slices.Equal(w.sent, []string{"e first"}) || w.status("e") != loop.StatusDone {
			t.Errorf("%s: sent %q, ended %s: %s", class, w.sent, w.status("e"), w.claim("e").Evidence)
		}
		out, err := mem.NewOutputs(w.tables, "b").Read(t.Context(), "k")
		if err != nil || out.EffectID != "e" || out.ContentType != loop.ContentJSON {
			t.Errorf("%s: the output is %+v, %v", class, out, err)
		}
	}
}

// An output that stays unwritable is for a person to see; nothing lands in place of what has landed, and a retry
// writes the output and nothing else.
func TestADeliveryWhoseOutputStaysUnwritableHasNoFallback(t *testing.T) {
	t.Parallel()
	w := unwritable(t, time.Hour)
	e := leaving(effect("e"))
	w.deliver("a", e)
	w.deliver("a", takingBack(e)) // what the target took is taken back all the same
	w.pump()
	c := w.claim("e")
	if c.Status != loop.StatusParked || c.GivenUp || !strings.Contains(c.Evidence, "taken by the target") {
		t.Errorf("%s, given up %v: %s", c.Status, c.GivenUp, c.Evidence)
	}
	if !slices.Equal(w.sent, []string{"e first", "undo first"}) || w.status("undo") != loop.StatusDone {
		t.Errorf("sent %q, the undo is %s: %s", w.sent, w.status("undo"), w.claim("undo").Evidence)
	}
	w.now = epoch.Add(2 * time.Hour)
	if err := w.claims.In("a").Unpark(t.Context(), c.Reopened(w.now, "ann", "x"), c.Token); err != nil {
		t.Fatal(err)
	}
	w.deliver("a", e)
	w.pump()
	if len(w.sent) != 2 || w.status("e") != loop.StatusDone {
		t.Errorf("after a retry: sent %q, %s", w.sent, w.status("e"))
	}
}

// Neither a kill switch nor a holder that vanishes meanwhile makes anything else of a delivery.
func TestADeliveryStandsWhateverFollows(t *testing.T) {
	t.Parallel()
	w := unwritable(t, time.Minute)
	controls := w.controlled(nil)
	e := leaving(ofClass(loop.ClassOnce))
	w.deliver("a", e)
	change(t, controls, killed("r"))
	c := w.claim("e")
	c.Owner, c.Token, c.Deadline, c.NotBefore = "b/dead", c.Token+1, w.now.Add(hold), time.Time{}
	if err := w.claims.In("b").Swap(t.Context(), c, c.Token-1); err != nil {
		t.Fatal(err)
	}
	w.pump()
	if len(w.sent) != 1 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s: %s", w.sent, w.status("e"), w.claim("e").Evidence)
	}
}

// The output of an effect that only leaves one is the delivery itself: unwritten, it is given up like any other.
func TestAnUnwritableOutputOfItsOwnIsGivenUp(t *testing.T) {
	t.Parallel()
	w := unwritable(t, time.Hour)
	e := leaving(ofClass(loop.ClassNative))
	e.Target = loop.TargetOutput
	w.more = func(c *act.Config) { c.Targets[loop.TargetOutput] = w }
	w.deliver("a", e)
	w.pump()
	if c := w.claim("e"); c.Status != loop.StatusParked || !c.GivenUp || w.status(e.Fallback.ID) != loop.StatusDone {
		t.Errorf("%s, given up %v, the fallback is %s", c.Status, c.GivenUp, w.status(e.Fallback.ID))
	}
}
