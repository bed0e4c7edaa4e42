package act_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// The budget of an effect that lands at its first attempt is one write to `outputs`, and that one is all that act asks
// of the table; its copies cost none. (Package dynamo tests that a write is one call.)
func TestAnEffectCostsOneWriteToOutputs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var ops []string
	w.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: func() time.Time { return w.now }, Immediate: true, Fault: func(op mem.Op) error {
		if op.When == mem.Before {
			ops = append(ops, op.Service+" "+op.Name)
		}
		return nil
	}})
	const effects = loop.MaxOutputVersions + 2
	for n := range effects {
		e := effect(fmt.Sprintf("e%02d", n))
		e.Fence = loop.EpisodeFence(int64(n+1), loop.PhaseDo)
		e.Output = &loop.OutputSpec{Key: "k", Value: json.RawMessage(fmt.Sprint(n))}
		w.deliver("a", e)
		w.deliver("b", e) // the standby copy
	}
	if len(ops) != effects {
		t.Errorf("%d effects cost %d calls: %v", effects, len(ops), ops)
	}
	out, err := mem.NewOutputs(w.tables, "b").Read(t.Context(), "k")
	if err != nil || string(out.Value) != fmt.Sprint(effects-1) || out.Origin != "a" || out.ContentType != loop.ContentJSON || !out.WrittenAt.Equal(w.now) {
		t.Errorf("%+v, %v", out, err)
	}
	versions, err := mem.NewOutputs(w.tables, "b").History(t.Context(), "k")
	if err != nil || len(versions) != loop.MaxOutputVersions {
		t.Errorf("%d versions, %v", len(versions), err)
	}
}
