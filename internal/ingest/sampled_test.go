package ingest

import (
	"encoding/json"
	"fmt"
	"testing"

	"example.com/unbroken/internal/loop"
)

// Decide decodes for the ledger only what ingest has marked: both copies of a sampled signal, and no other's.
func TestExactlyTheSampleIsMarked(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, _ := setup(q)
	var bodies []string
	for i := range 400 {
		bodies = append(bodies, event(fmt.Sprint(i)))
	}
	a.Accept(t.Context(), "shop", arrivals(t, bodies...))
	marked := 0
	for _, region := range []string{ohio, oregon} {
		for _, it := range q.items(t, region, loop.QueueSignals) {
			var id struct{ Source, ID string }
			if err := json.Unmarshal(it.Signal, &id); err != nil {
				t.Fatal(err)
			}
			if it.Sampled != loop.Sampled(loop.SignalKey(id.Source, id.ID)) {
				t.Errorf("signal %s in %s: sampled %v", id.ID, region, it.Sampled)
			}
			if it.Sampled {
				marked++
			}
		}
	}
	if marked == 0 || marked%2 != 0 {
		t.Errorf("%d copies are marked", marked)
	}
}
