package telemetry

import (
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestAStalledInputIsCountedForAsLongAsItIs(t *testing.T) {
	t.Parallel()
	tm, out := start("info")
	for _, changed := range []bool{true, false} {
		ctx, end := tm.StartBatch(invocation(t), nil)
		tm.Watch().Watched(ctx, loop.Watched{Input: "load", Stalled: true, N: 1, Silent: []string{"us-west-2"}}, "load2", changed)
		tm.Watch().Watched(ctx, loop.Watched{Input: "well"}, "", false)
		end()
	}
	lines := out.take(t)
	if len(lines) != 3 {
		t.Fatalf("%v", lines)
	}
	has(t, lines[0], map[string]any{"msg": "input stalled", "input": "load", "standby": "load2", "level": "WARN"})
	has(t, lines[1], map[string]any{"StalledInputs": 1.0, "InputSwitches": 1.0})
	has(t, lines[2], map[string]any{"StalledInputs": 1.0})
	if _, again := lines[2]["InputSwitches"]; again {
		t.Errorf("%v", lines[2])
	}
}
