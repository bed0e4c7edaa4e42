package decide_test

import (
	"context"
	"fmt"
	"testing"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/mem"
)

const countsOne = "{count: 1, within: 1m}"

// The other region has closed the episode by an entry that has not been replicated yet. Whoever tells the past without
// it would open the episode once more, and send its effects again.
func TestWhatIsNotReplicatedYetIsNotTakenForNothing(t *testing.T) {
	t.Parallel()
	r := newRegions(setOf(t, fmt.Sprintf(windowRule, "when: signal.data.value > 5", countsOne)), false, deaf{})
	r.decide(t, "a", at(1, 9))
	r.tables.Replicate()
	r.decide(t, "a", at(2, 0)) // closes; b does not see why
	r.decide(t, "b", at(1, 9)) // the copy of the first
	if e := r.episode(t); e.Open || len(e.Transitions) != 2 {
		t.Fatalf("open %v after %d transitions", e.Open, len(e.Transitions))
	}
	r.tables.Replicate()
	r.decide(t, "b", at(2, 0))
	if e := r.episode(t); e.Open || len(e.Transitions) != 2 {
		t.Errorf("open %v after %d transitions, once all is replicated", e.Open, len(e.Transitions))
	}
}

// overtaken lets another one write the episode before the first Put.
type overtaken struct {
	decide.Episodes
	by *func()
}

func (e overtaken) Put(ctx context.Context, next decide.Episode) error {
	if by := *e.by; by != nil {
		*e.by = nil
		by()
	}
	return e.Episodes.Put(ctx, next)
}

// Whoever lost the race for the episode read the entries before the other one's stood there.
func TestWhoeverLosesARaceDoesNotTellAnotherPast(t *testing.T) {
	t.Parallel()
	set := setOf(t, fmt.Sprintf(windowRule, "when: signal.data.value > 5", countsOne))
	r := newRegions(set, true, deaf{})
	faster := func() { r.decide(t, "a", at(1, 9), at(3, 0)) }
	r.handlers["b"] = r.handler(set, "b", mem.NewWindows(r.tables, "b"), overtaken{r.episodes.In("b"), &faster}, deaf{})
	r.decide(t, "b", at(2, 9)) // would open at 2; a opens at 1 and closes at 3 meanwhile
	if e := r.episode(t); e.Open || len(e.Transitions) != 2 {
		t.Errorf("open %v after %d transitions", e.Open, len(e.Transitions))
	}
}
