package decide_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// ended remembers the items that decide is through with.
type ended struct {
	deaf
	items []loop.Item
}

func (e *ended) Batch(_ context.Context, items []loop.Item, _ int) {
	e.items = append(e.items, items...)
}

// The books of the loop take what is recorded here for an end: what is tried again has none yet.
func TestWhatIsTriedAgainHasNotEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(op mem.Op) error {
		if op.Service == "episodes" {
			return errors.New("unreachable")
		}
		return nil
	})
	seen := &ended{}
	h := decide.New(decide.Config{
		Region: "a", Set: w.set, Queue: w.queues.From("a"), Now: func() time.Time { return start }, Recorder: seen,
		Windows: mem.NewWindows(w.tables, "a"), Episodes: w.episodes.In("a"), Backoff: func(int) time.Duration { return time.Second },
	})
	body, err := loop.Encode(item("com.example.plain", 1, "1", false), item("com.example.metric", 2, "1", false), item("com.example.plain", 3, `"x"`, false))
	if err != nil {
		t.Fatal(err)
	}
	h.Handle(t.Context(), []loop.Message{{ID: "m", Body: body}})
	if len(seen.items) != 2 {
		t.Errorf("%d items ended, want the decided one and the quarantined one", len(seen.items))
	}
}
