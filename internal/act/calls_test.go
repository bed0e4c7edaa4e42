package act_test

import (
	"encoding/json"
	"maps"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// What an effect costs: two writes of its claim where it is landed at the first attempt, one of its output, and a
// read for the standby copy.
func TestCallsPerEffect(t *testing.T) {
	t.Parallel()
	calls := map[string]int{}
	w := newWorld(t, func(op mem.Op) error {
		if op.When == mem.Before {
			calls[op.Service+" "+op.Name]++
		}
		return nil
	})
	e := effect("e")
	e.Output = &loop.OutputSpec{Key: "k", Value: json.RawMessage("1")}
	w.deliver("a", e)
	if want := map[string]int{"claims Open": 1, "claims Swap": 1}; !maps.Equal(calls, want) {
		t.Errorf("first region: %v, want %v", calls, want)
	}
	clear(calls)
	w.standby("b", e)
	if want := map[string]int{"claims Get": 1}; !maps.Equal(calls, want) {
		t.Errorf("standby copy: %v, want %v", calls, want)
	}
	if len(w.sent) != 1 {
		t.Errorf("sent %d times", len(w.sent))
	}
}
