package breaker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/breaker"
	"example.com/unbroken/internal/loop"
)

// scripted answers per action, and counts.
type scripted struct {
	verdict map[string]act.Verdict
	calls   map[string]int
}

func (s *scripted) Deliver(_ context.Context, e loop.Effect) act.Answer {
	s.calls[e.Action]++
	return act.Answer{Verdict: s.verdict[e.Action]}
}

func TestATargetThatIsDownRestsAndItsNeighbourDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{map[string]act.Verdict{"down": act.Retry, "up": act.Delivered}, map[string]int{}}
		b := breaker.New(s)
		ask := func(action string) act.Answer { return b.Deliver(t.Context(), loop.Effect{Action: action}) }
		for range 100 {
			ask("down")
			if ask("up").Verdict != act.Delivered {
				t.Fatal("one target's circuit stopped another's")
			}
		}
		if s.calls["down"] != 5 || s.calls["up"] != 100 {
			t.Errorf("calls: %v, want 5 to the one that is down", s.calls)
		}
		if got := ask("down"); got.Verdict != act.Unsent || got.RetryAfter != 15*time.Second {
			t.Errorf("an open circuit answers %+v: want Unsent, so that even once may be sent later", got)
		}
		time.Sleep(16 * time.Second) // of the bubble's own time
		ask("down")
		ask("down")
		if s.calls["down"] != 6 {
			t.Errorf("half-open let %d through, want 1", s.calls["down"]-5)
		}
		s.verdict["down"] = act.Delivered
		time.Sleep(16 * time.Second)
		for range 10 {
			ask("down")
		}
		if s.calls["down"] != 16 {
			t.Errorf("closed again, it let %d of 10 through", s.calls["down"]-6)
		}
	})
}

func TestARefusalIsNoFailure(t *testing.T) {
	t.Parallel()
	s := &scripted{map[string]act.Verdict{"a": act.Refused}, map[string]int{}}
	b := breaker.New(s)
	for range 50 {
		b.Deliver(t.Context(), loop.Effect{Action: "a"})
	}
	if s.calls["a"] != 50 {
		t.Errorf("a target that answers was asked %d times of 50", s.calls["a"])
	}
}
