package act_test

import (
	"context"
	"strings"
	"testing"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// brittle panics over one effect.
type brittle struct{ act.Target }

func (b brittle) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	if e.ID == "poison" {
		panic("a field that is not there")
	}
	return b.Target.Deliver(ctx, e)
}

// FAULTS 11: an effect over which a target panics is its own trouble. Its neighbours in the batch land, and it ends.
func TestAPanicIsThatEffectsAlone(t *testing.T) {
	t.Parallel()
	for class, want := range map[loop.Class]string{loop.ClassKeyed: "whose answer is not known", loop.ClassOnce: "may have been applied"} {
		w := newWorld(t, nil)
		w.more = func(c *act.Config) { c.Targets[loop.TargetWebhook] = brittle{w} }
		var msgs []loop.Message
		for _, id := range []string{"before", "poison", "after"} {
			e := effect(id)
			e.Class = class
			body, err := loop.Encode(loop.Item{AcceptedAt: epoch, Input: "default", Effect: &e})
			if err != nil {
				t.Fatal(err)
			}
			msgs = append(msgs, loop.Message{ID: id, Body: body})
		}
		for _, m := range msgs { // one after the other: the world's target is not made for several at once
			if failed := w.handler("a").Handle(t.Context(), []loop.Message{m}); len(failed) != 0 {
				t.Errorf("%s: failed: %v", class, failed)
			}
		}
		w.pump()
		if len(w.sent) != 2 || w.status("before") != loop.StatusDone || w.status("after") != loop.StatusDone {
			t.Errorf("%s: sent %q", class, w.sent)
		}
		if c := w.claim("poison"); c.Status != loop.StatusParked || !strings.Contains(c.Evidence, want) {
			t.Errorf("%s: ended %s: %s", class, c.Status, c.Evidence)
		}
	}
}
