package act_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// waits keeps how long each delivery was put off.
type waits struct{ after []time.Duration }

func (w *waits) Landed(context.Context, *act.Landing) {}
func (w *waits) Retried(_ context.Context, _ *act.Landing, after time.Duration) {
	w.after = append(w.after, after)
}

// A table that answers later than a claim lasts is not asked at a constant rate: what keeps it slow is the asking.
func TestASlowTableIsAskedLessAndLess(t *testing.T) {
	t.Parallel()
	var w *world
	slow := 6
	w = newWorld(t, func(op mem.Op) error {
		if slow > 0 && op.When == mem.Before && op.Name != "Get" {
			slow--
			w.now = w.now.Add(hold)
		}
		return nil
	})
	var heard waits
	w.more = func(c *act.Config) { c.Recorder = &heard }
	w.deliver("a", effect("e"))
	w.pump()
	if w.status("e") != loop.StatusDone || len(w.sent) != 1 {
		t.Fatalf("%s, sent %q", w.status("e"), w.sent)
	}
	if n := len(heard.after); n < 3 || !slices.IsSorted(heard.after) || heard.after[n-1] < 2*heard.after[0] {
		t.Errorf("waited %v: want ever longer waits", heard.after)
	}
}

// Of those who wake up for a claim that ran out one wins. The others wait for it as for any holder.
func TestWhoLosesTheTakeoverWaitsForTheWinner(t *testing.T) {
	t.Parallel()
	var w *world
	var heard waits
	raced := false
	w = newWorld(t, func(op mem.Op) error {
		if op.Name == "Swap" && op.When == mem.Before && !raced {
			raced = true
			c, err := w.claims.In("b").Get(t.Context(), "e")
			if err != nil {
				return err
			}
			c.Owner, c.Token, c.Deadline = "b/winner", c.Token+1, w.now.Add(hold)
			return w.claims.In("b").Swap(t.Context(), c, c.Token-1)
		}
		return nil
	})
	w.more = func(c *act.Config) { c.Recorder = &heard }
	w.held(effect("e"))
	w.now = epoch.Add(hold + time.Second)
	w.deliver("a", effect("e"))
	if !raced || len(heard.after) != 1 || heard.after[0] < hold {
		t.Errorf("put off by %v: want once, until the winner's claim ends in %s", heard.after, hold)
	}
}
