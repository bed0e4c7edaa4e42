package decide_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// A producer's signal of a canary's type is a signal like every other: it leaves no receipt, whatever its input is called.
func TestACanarysTypeAloneIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	raw, err := json.Marshal(loop.Signal{ID: "1", Source: "shop", Type: loop.CanaryType, Time: start})
	if err != nil {
		t.Fatal(err)
	}
	if failed := w.decide("a", loop.Item{AcceptedAt: start, Input: loop.KindHTTP, Signal: raw}); len(failed) != 0 {
		t.Fatal(failed)
	}
	if n := len(w.queues.Receive("a", loop.QueueActions, 10)); n > 0 {
		t.Errorf("%d effects", n)
	}
}

// A canary touches no user's rule, not even one that takes everything, and ends in one receipt.
func TestACanaryTouchesNoRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cfg, err := rule.Parse("loop.yaml", []byte(strings.Replace(rules, "type: [com.example.plain]", `type: [{prefix: ""}]`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if w.set, err = rule.Compile(cfg); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(loop.Signal{ID: "a/signals/1", Source: loop.CanarySource, Type: loop.CanaryType, Subject: "signals", Time: start, Data: json.RawMessage(`{"value":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	canary := loop.Item{AcceptedAt: start, Input: "signals", Signal: raw}
	if failed := w.decide("a", canary, canary); len(failed) != 0 {
		t.Fatal(failed)
	}
	ids := map[string]bool{}
	for _, m := range w.queues.Receive("a", loop.QueueActions, 10) {
		var env loop.Envelope
		if err := json.Unmarshal(m.Body, &env); err != nil {
			t.Fatal(err)
		}
		for _, i := range env.Items {
			ids[i.Effect.ID] = true
			if i.Effect.Target != loop.TargetReceipt || i.Effect.Phase != loop.PhaseGuard || i.Effect.Key != "signals" || i.Standby {
				t.Errorf("%+v", i.Effect)
			}
		}
	}
	if len(ids) != 1 {
		t.Errorf("%d different effects of one canary", len(ids))
	}
}
