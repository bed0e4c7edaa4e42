package looptest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// ControlsStore is the silences and kill switches, as act reads them and a person's command writes them.
type ControlsStore interface {
	act.Controls
	// Store stores next with Rev+1 if the stored Rev is next.Rev; otherwise loop.ErrConflict.
	Store(ctx context.Context, next loop.Controls) error
}

// Controls is the suite for ControlsStore.
func Controls(t *testing.T, open func(t *testing.T) Bench[ControlsStore]) {
	t.Helper()
	run(t, open, []hazard[ControlsStore]{
		{"NothingStoredIsAnError", noControls},
		{"OneRegionDoesNotSeeWhatAnotherStored", controlsAreSeen},
		{"TwoPeopleWriteOverEachOther", oneOfManyStores},
		{"LostAnswerOfStoreIsGuessed", lostStore},
		{"FullRecordDoesNotFit", fullControls},
	})
}

func kill(scope string) loop.Kill {
	return loop.Kill{Scope: scope, By: "ann", Reason: "it sheds <everything> & ☂", At: at(3)}
}

func mustLoad(t *testing.T, s ControlsStore) loop.Controls {
	t.Helper()
	c, err := s.Load(deadline(t))
	must(t, err)
	return c
}

func noControls(t *testing.T, b Bench[ControlsStore]) {
	same(t, mustLoad(t, b.Here), loop.Controls{})
	want(t, b.Here.Store(deadline(t), loop.Controls{Rev: 1}), loop.ErrConflict)
	same(t, mustLoad(t, b.There), loop.Controls{})
}

func controlsAreSeen(t *testing.T, b Bench[ControlsStore]) {
	first, _ := loop.Controls{}.WithKill(kill("r"))
	first, err := first.WithSilence(loop.Silence{
		ID: "s1", Match: []loop.Matcher{{Field: "key", Value: "a*", Not: true}}, From: at(4), Until: at(5), By: "bob", Reason: "x", Created: at(1),
	}, at(1))
	must(t, err)
	must(t, b.Here.Store(deadline(t), first))
	first.Rev = 1
	got := mustLoad(t, b.There)
	same(t, got, first)
	next, _ := got.WithoutKill("r", at(9), "bob", "over")
	must(t, b.There.Store(deadline(t), next))
	next.Rev = 2
	same(t, mustLoad(t, b.Here), next)
	want(t, b.Here.Store(deadline(t), first), loop.ErrConflict)
}

func oneOfManyStores(t *testing.T, b Bench[ControlsStore]) {
	must(t, b.Here.Store(deadline(t), loop.Controls{}))
	stored := mustLoad(t, b.Here)
	var won atomic.Int32
	ctx := deadline(t)
	race(8, func(i int) {
		view := b.Here
		if i%2 == 1 {
			view = b.There
		}
		next, _ := stored.WithKill(kill(fmt.Sprint("rule-", i)))
		switch err := view.Store(ctx, next); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, loop.ErrConflict):
			t.Errorf("store: %v", err)
		}
	})
	if c := mustLoad(t, b.There); won.Load() != 1 || len(c.Kills) != 1 || c.Rev != 2 {
		t.Fatalf("%d of 8 stored, %+v", won.Load(), c)
	}
}

func lostStore(t *testing.T, b Bench[ControlsStore]) {
	next, _ := loop.Controls{}.WithKill(kill("r"))
	b.LoseAnswer()
	want(t, b.Here.Store(deadline(t), next), ErrLost)
	next.Rev = 1
	same(t, mustLoad(t, b.There), next)
}

func fullControls(t *testing.T, b Bench[ControlsStore]) {
	c := loop.Controls{}
	long := strings.Repeat("ü", 150)
	oneOf := func(i int) loop.Silence {
		return loop.Silence{
			ID: fmt.Sprint(i), Match: []loop.Matcher{{Field: "key", Value: long}}, From: at(i), Until: at(i + 1), By: long, Reason: long, Created: at(0),
		}
	}
	for i := 0; ; i++ {
		next, err := c.WithSilence(oneOf(i), at(0))
		if err != nil {
			break
		}
		if c = next; i > 1000 {
			t.Fatal("the record grows without bound")
		}
	}
	if _, err := c.WithSilence(oneOf(-1), at(0).Add(30*24*time.Hour)); err != nil {
		t.Fatalf("silences are never forgotten: %v", err)
	}
	must(t, b.Here.Store(deadline(t), c))
	c.Rev = 1
	same(t, mustLoad(t, b.There), c)
}
