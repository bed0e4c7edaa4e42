package looptest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

func isFenced(err error) bool { return errors.Is(err, loop.ErrFenced) }

// Episodes is the suite for decide.Episodes.
func Episodes(t *testing.T, open func(t *testing.T) Bench[decide.Episodes]) {
	t.Helper()
	run(t, open, []hazard[decide.Episodes]{
		{"TwoOpeningsOfOneEpisode", oneOfManyPuts},
		{"TwoFirstWritesOfOneEpisode", oneOfManyFirstPuts},
		{"StaleWriterErasesPendingEffects", staleRevConflicts},
		{"NewKeyIsTakenForKnown", noEpisode},
		{"OtherRegionDecidesOnOldState", episodeSeenEverywhere},
		{"KeysOfTwoRulesCollide", episodeKeysAreApart},
		{"LostAnswerOfPutIsGuessed", lostPut},
		{"PendingEffectsChangeInTheTable", exactEpisode},
		{"PendingEffectsDoNotFit", largeEpisode},
		{"CallAfterTheDeadlineIsApplied", canceledPut},
		{"HistoryHasNoOrder", linearEpisodes},
	})
}

func episode(ruleID, key string, rev, n int64) decide.Episode {
	id := loop.EpisodeDecisionID(ruleID, key, n, loop.PhaseDo)
	return decide.Episode{
		Ref: decide.Ref{RuleID: ruleID, Key: key}, N: n, Open: true, Rev: rev, UpdatedAt: at(3),
		Last: loop.Position{Time: at(1), SignalKey: "signal"}, MovedAt: at(2),
		Group: &decide.Gathering{
			Due: at(30), Through: at(31), Keys: []string{"0123456789abcdef"}, Timed: []string{HereRegion}, Input: "orders", Hops: 1, Cause: []string{"c"},
			Members: []loop.Member{{Key: key, Source: "shop", ID: "1", Time: at(1)}},
			Past:    []decide.Span{{N: n - 1, Until: at(-1), Keys: []string{"fedcba9876543210"}, Full: true}},
		},
		Firings: []loop.Firing{{N: n - 1, From: at(-9), Until: at(-8)}, {N: n, From: at(2)}},
		Flips:   []decide.Flip{{At: loop.Position{Time: at(-60)}}, {At: loop.Position{Time: at(1), SignalKey: "signal"}, Open: true}},
		Transitions: []decide.Transition{{
			Decision: loop.Decision{ID: id, RuleID: ruleID, Key: key, Phase: loop.PhaseDo, Episode: n, SignalKey: "signal", Effects: []loop.Effect{effect("e")}},
			At:       loop.Position{Time: at(1), SignalKey: "signal"}, AcceptedAt: at(2), Input: "orders", Hops: 1, Cause: []string{"c"}, SentBy: []string{HereRegion, ThereRegion},
		}},
	}
}

func readEpisode(t *testing.T, s decide.Episodes, ref decide.Ref) decide.Episode {
	t.Helper()
	e, err := s.Get(deadline(t), ref)
	must(t, err)
	return e
}

func oneOfManyPuts(t *testing.T, b Bench[decide.Episodes]) {
	must(t, b.Here.Put(deadline(t), episode("r", "k", 0, 1)))
	oneWins(t, b, 1)
}

func oneOfManyFirstPuts(t *testing.T, b Bench[decide.Episodes]) { oneWins(t, b, 0) }

func oneWins(t *testing.T, b Bench[decide.Episodes], rev int64) {
	t.Helper()
	const racers = 16
	ctx := deadline(t)
	var won, n atomic.Int64
	race(racers, func(i int) {
		view := b.Here
		if i%2 == 1 {
			view = b.There
		}
		e := episode("r", "k", rev, int64(100+i))
		switch err := view.Put(ctx, e); {
		case err == nil:
			won.Add(1)
			n.Store(e.N)
		case !errors.Is(err, loop.ErrConflict):
			t.Errorf("put: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d of %d writes won, want 1", won.Load(), racers)
	}
	same(t, readEpisode(t, b.There, decide.Ref{RuleID: "r", Key: "k"}), episode("r", "k", rev+1, n.Load()))
}

func staleRevConflicts(t *testing.T, b Bench[decide.Episodes]) {
	for rev := range int64(3) {
		must(t, b.Here.Put(deadline(t), episode("r", "k", rev, 10+rev)))
	}
	for _, stale := range []int64{0, 1, 2, 4} {
		want(t, b.There.Put(deadline(t), episode("r", "k", stale, 99)), loop.ErrConflict)
	}
	want(t, b.There.Put(deadline(t), episode("r", "never stored", 1, 99)), loop.ErrConflict)
	same(t, readEpisode(t, b.There, decide.Ref{RuleID: "r", Key: "k"}), episode("r", "k", 3, 12))
}

func noEpisode(t *testing.T, b Bench[decide.Episodes]) {
	ref := decide.Ref{RuleID: "r", Key: "k"}
	same(t, readEpisode(t, b.Here, ref), decide.Episode{Ref: ref})
}

func episodeSeenEverywhere(t *testing.T, b Bench[decide.Episodes]) {
	must(t, b.Here.Put(deadline(t), episode("r", "k", 0, 1)))
	same(t, readEpisode(t, b.There, decide.Ref{RuleID: "r", Key: "k"}), episode("r", "k", 1, 1))
	closed := episode("r", "k", 1, 1)
	closed.Open, closed.Transitions = false, nil
	must(t, b.There.Put(deadline(t), closed))
	closed.Rev = 2
	same(t, readEpisode(t, b.Here, closed.Ref), closed)
}

func episodeKeysAreApart(t *testing.T, b Bench[decide.Episodes]) {
	refs := []decide.Ref{{RuleID: "a", Key: "b#c"}, {RuleID: "a#b", Key: "c"}, {RuleID: "a", Key: ""}, {RuleID: "a", Key: "b"}}
	for i, ref := range refs {
		must(t, b.Here.Put(deadline(t), episode(ref.RuleID, ref.Key, 0, int64(i+1))))
	}
	for i, ref := range refs {
		same(t, readEpisode(t, b.Here, ref), episode(ref.RuleID, ref.Key, 1, int64(i+1)))
	}
}

func lostPut(t *testing.T, b Bench[decide.Episodes]) {
	e := episode("r", "k", 0, 1)
	b.LoseAnswer()
	want(t, b.Here.Put(deadline(t), e), ErrLost)
	e.Rev = 1
	same(t, readEpisode(t, b.There, e.Ref), e)
}

func exactEpisode(t *testing.T, b Bench[decide.Episodes]) {
	e := episode("r", "kéy", 0, 9007199254740993)
	second := e.Transitions[0]
	second.SentBy, second.Cause, second.Hops = nil, nil, 0
	e.Transitions = append(e.Transitions, second)
	must(t, b.Here.Put(deadline(t), e))
	e.Rev = 1
	got := readEpisode(t, b.There, e.Ref)
	same(t, got, e)
	if !got.Last.Time.Equal(e.Last.Time) || got.Transitions[0].Decision.Effects[0].Request.Body != effect("e").Request.Body {
		t.Fatal("the position or a rendered request changed")
	}
}

func largeEpisode(t *testing.T, b Bench[decide.Episodes]) {
	e := episode("r", "k", 0, 1)
	e.Transitions[0].Decision.Effects[0].Request.Body = strings.Repeat(fmt.Sprintf("%q", "x"), loop.MaxPendingBytes/6)
	must(t, b.Here.Put(deadline(t), e))
	e.Rev = 1
	same(t, readEpisode(t, b.There, e.Ref), e)
}

func canceledPut(t *testing.T, b Bench[decide.Episodes]) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := episode("r", "k", 0, 1)
	want(t, b.Here.Put(ctx, e), context.Canceled)
	if got := readEpisode(t, b.Here, e.Ref); got.Rev != 0 {
		t.Fatal("written after the deadline")
	}
}
