package decide_test

import (
	"fmt"
	"testing"

	"example.com/unbroken/internal/loop"
)

// Each effect carries what its decision was made of, of a window its newest entries only.
func TestEffectsCarryWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.decide("a", item("com.example.plain", 1, "1", false), item("com.example.metric", 2, "0", false), item("com.example.metric", 3, "1", false),
		item("com.example.metric", 4, "2", false), item("com.example.metric", 5, "3", false))
	why := map[string]*loop.Why{}
	for _, it := range w.take("a", loop.QueueActions) {
		why[it.Effect.RuleID] = it.Effect.Why
	}
	if y := why["plain"]; y == nil || y.Window != nil || y.ID != "1" || fmt.Sprint(y.Values) != "[{signal.data.value 1}]" {
		t.Errorf("plain: %+v", y)
	}
	y := why["third"]
	if y == nil || y.ID != "5" || fmt.Sprint(y.Values) != "[{signal.data.value 3}]" || y.Window == nil {
		t.Fatalf("third: %+v", y)
	}
	if y.Window.Held < 3 || y.Window.Newest[len(y.Window.Newest)-1].SignalKey != loop.SignalKey("shop/a", "5") {
		t.Errorf("third: %+v", y.Window)
	}
}
