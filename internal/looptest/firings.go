package looptest

import (
	"testing"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Fired is the episodes as decide writes them, and what act reads of them.
type Fired struct {
	Episodes decide.Episodes
	Firings  act.Firings
}

// Firings is the suite for act.Firings.
func Firings(t *testing.T, open func(t *testing.T) Bench[Fired]) {
	t.Helper()
	run(t, open, []hazard[Fired]{
		{"NothingStoredFires", noFiring},
		{"AnEpisodeThatInhibitsNothingFires", noFiringNoted},
		{"OneRegionDoesNotSeeWhatFiresInAnother", firingsAreSeen},
	})
}

func fires(t *testing.T, s Fired, of loop.RuleKey) []loop.Firing {
	t.Helper()
	all, err := s.Firings.Get(deadline(t), of)
	must(t, err)
	return all
}

func noFiring(t *testing.T, b Bench[Fired]) {
	if got := fires(t, b.Here, loop.RuleKey{Rule: "r", Key: "k"}); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func noFiringNoted(t *testing.T, b Bench[Fired]) {
	e := episode("r", "k", 0, 1)
	e.Firings = nil
	must(t, b.Here.Episodes.Put(deadline(t), e))
	if got := fires(t, b.There, loop.RuleKey{Rule: "r", Key: "k"}); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func firingsAreSeen(t *testing.T, b Bench[Fired]) {
	e := episode("r", "k", 0, 1)
	must(t, b.Here.Episodes.Put(deadline(t), e))
	same(t, fires(t, b.There, loop.RuleKey{Rule: "r", Key: "k"}), e.Firings)
	e.Rev, e.Firings[1].Until = 1, at(9)
	must(t, b.There.Episodes.Put(deadline(t), e))
	same(t, fires(t, b.Here, loop.RuleKey{Rule: "r", Key: "k"}), e.Firings)
	for _, other := range []loop.RuleKey{{Rule: "r", Key: "k2"}, {Rule: "r2", Key: "k"}} {
		if got := fires(t, b.Here, other); len(got) > 0 {
			t.Errorf("%v: got %v", other, got)
		}
	}
}
