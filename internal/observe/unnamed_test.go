package observe_test

import (
	"encoding/json"
	"testing"

	"example.com/unbroken/internal/region"
)

// An observer of a region that is not in the loop is no second voice.
func TestAnObserverThatTheLoopDoesNotHaveIsNoSecondVoice(t *testing.T) {
	t.Parallel()
	w := newWorld()
	raw, err := json.Marshal(region.Verdict{At: w.now, Since: w.now})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{east, west} {
		w.docs[table+"|"+region.VerdictKey(east)] = map[string]json.RawMessage{"eu-central-1": raw}
	}
	w.probed["https://east/v1/health"] = errDown
	w.minute(t, west)
	if !w.active(t, east) {
		t.Error("one observer of the loop objects, and drained it")
	}
}
