package looptest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Budgets is the suite for act.Budgets.
func Budgets(t *testing.T, open func(t *testing.T) Bench[act.Budgets]) {
	t.Helper()
	run(t, open, []hazard[act.Budgets]{
		{"RacersSpendMoreThanThereIs", racersKeepTheBudget},
		{"CopyOfAnEffectSpendsAgain", copiesSpendOnce},
		{"LostAnswerOfSpendIsGuessed", lostSpend},
		{"OneHourSpendsAnothers", hoursApart},
		{"RefundOfWhatWasNotSpentMakesRoom", refunds},
		{"LargestBudgetDoesNotFit", largestBudget},
	})
}

func spend(t *testing.T, s act.Budgets, rule string, hour time.Time, id string, most int, want bool) {
	t.Helper()
	got, err := s.Spend(deadline(t), loop.BudgetKey(rule, hour), id, most)
	must(t, err)
	if got != want {
		t.Fatalf("%s of %s in the hour %s: within %v, want %v", id, rule, hour, got, want)
	}
}

func racersKeepTheBudget(t *testing.T, b Bench[act.Budgets]) {
	var within atomic.Int32
	ctx := deadline(t)
	race(16, func(i int) {
		view := b.Here
		if i%2 == 1 {
			view = b.There
		}
		ok, err := view.Spend(ctx, loop.BudgetKey("r", at(0)), fmt.Sprint("e", i), 5)
		if err != nil {
			t.Errorf("spend: %v", err)
		}
		if ok {
			within.Add(1)
		}
	})
	if within.Load() != 5 {
		t.Fatalf("%d effects were within a budget of 5", within.Load())
	}
}

func copiesSpendOnce(t *testing.T, b Bench[act.Budgets]) {
	for range 3 {
		spend(t, b.Here, "r", at(0), "e1", 2, true)
		spend(t, b.There, "r", at(0), "e2", 2, true)
		spend(t, b.Here, "r", at(0), "e3", 2, false)
	}
	spend(t, b.Here, "r", at(0), "e1", 1, true) // let through while the budget was greater
	spend(t, b.There, "r", at(0), "e3", 3, true)
}

func lostSpend(t *testing.T, b Bench[act.Budgets]) {
	b.LoseAnswer()
	ok, err := b.Here.Spend(deadline(t), loop.BudgetKey("r", at(0)), "e1", 1)
	want(t, err, ErrLost)
	if ok {
		t.Fatal("within although nobody knows")
	}
	spend(t, b.There, "r", at(0), "e1", 1, true)
	spend(t, b.There, "r", at(0), "e2", 1, false)
}

func hoursApart(t *testing.T, b Bench[act.Budgets]) {
	spend(t, b.Here, "r", at(0), "e1", 1, true)
	spend(t, b.Here, "r", at(0).Add(time.Hour), "e2", 1, true)
	spend(t, b.Here, "other", at(0), "e3", 1, true)
	spend(t, b.Here, "r", at(0).In(time.FixedZone("elsewhere", 1800)), "e4", 1, false)
}

func refunds(t *testing.T, b Bench[act.Budgets]) {
	refund := func(s act.Budgets, id string) { must(t, s.Refund(deadline(t), loop.BudgetKey("r", at(0)), id)) }
	refund(b.Here, "nobody has spent yet")
	spend(t, b.Here, "r", at(0), "e1", 1, true)
	refund(b.There, "e2")
	spend(t, b.There, "r", at(0), "e2", 1, false)
	refund(b.There, "e1")
	refund(b.Here, "e1")
	spend(t, b.There, "r", at(0), "e2", 1, true)
	spend(t, b.Here, "r", at(0), "e1", 1, false)
}

func largestBudget(t *testing.T, b Bench[act.Budgets]) {
	const most = 50 // of the 1000 that a rule may have: 64 KB, one ADD at a time
	for i := range most {
		spend(t, b.Here, "r", at(0), loop.H("e", fmt.Sprint(i)), most, true)
	}
	spend(t, b.There, "r", at(0), "more", most, false)
}

// Throttles is the suite for act.Throttles.
func Throttles(t *testing.T, open func(t *testing.T) Bench[act.Throttles]) {
	t.Helper()
	run(t, open, []hazard[act.Throttles]{
		{"TwoDecisionsPassAtOnce", oneOfManyPasses},
		{"StaleThrottleIsStored", staleThrottle},
		{"LostAnswerOfPutIsGuessed", lostPass},
		{"KeysShareAThrottle", keysApart},
	})
}

func getThrottle(t *testing.T, s act.Throttles, key string) loop.Throttle {
	t.Helper()
	got, err := s.Get(deadline(t), "r", key)
	must(t, err)
	return got
}

func oneOfManyPasses(t *testing.T, b Bench[act.Throttles]) {
	for rev := range int64(2) { // the first record, and a later one
		stored := getThrottle(t, b.Here, "a key/ü#1")
		var won atomic.Int32
		ctx := deadline(t)
		race(8, func(i int) {
			view := b.Here
			if i%2 == 1 {
				view = b.There
			}
			switch err := view.Put(ctx, stored.With(loop.Passed{DecisionID: fmt.Sprint("d", i), AcceptedAt: at(int(rev))}, at(-1))); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, loop.ErrConflict):
				t.Errorf("put: %v", err)
			}
		})
		if got := getThrottle(t, b.There, "a key/ü#1"); won.Load() != 1 || len(got.Passed) != int(rev)+1 || got.Rev != rev+1 {
			t.Fatalf("%d of 8 passed: %+v", won.Load(), got)
		}
	}
}

func staleThrottle(t *testing.T, b Bench[act.Throttles]) {
	first := getThrottle(t, b.Here, "k")
	must(t, b.There.Put(deadline(t), first.With(loop.Passed{DecisionID: "d1", AcceptedAt: at(1)}, at(0))))
	want(t, b.Here.Put(deadline(t), first.With(loop.Passed{DecisionID: "d2", AcceptedAt: at(2)}, at(0))), loop.ErrConflict)
	got := getThrottle(t, b.Here, "k")
	same(t, got, loop.Throttle{RuleID: "r", Key: "k", Rev: 1, Passed: []loop.Passed{{DecisionID: "d1", AcceptedAt: at(1)}}})
}

func lostPass(t *testing.T, b Bench[act.Throttles]) {
	first := getThrottle(t, b.Here, "k")
	b.LoseAnswer()
	want(t, b.Here.Put(deadline(t), first.With(loop.Passed{DecisionID: "d1", AcceptedAt: at(1)}, at(0))), ErrLost)
	if _, passed := getThrottle(t, b.There, "k").Judge("d1", at(1), time.Hour); !passed {
		t.Fatal("a write that was applied is not there")
	}
}

func keysApart(t *testing.T, b Bench[act.Throttles]) {
	must(t, b.Here.Put(deadline(t), getThrottle(t, b.Here, "k").With(loop.Passed{DecisionID: "d1", AcceptedAt: at(1)}, at(0))))
	same(t, getThrottle(t, b.Here, "k2"), loop.Throttle{RuleID: "r", Key: "k2"})
}
