package act_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// paced answers after each action's own time.
type paced map[string]func() time.Duration

func (p paced) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	select {
	case <-time.After(p[e.Action]()):
		return act.Answer{Verdict: act.Delivered}
	case <-ctx.Done():
		return act.Answer{Verdict: act.Retry, Evidence: "the attempt's time ran out"}
	}
}

// landedAt records when each action's effects were through.
type landedAt struct {
	start time.Time
	times chan landed
}

type landed struct {
	action string
	after  time.Duration
}

func (r *landedAt) Landed(_ context.Context, l *act.Landing) {
	r.times <- landed{l.Item.Effect.Action, time.Since(r.start)}
}
func (r *landedAt) Retried(context.Context, *act.Landing, time.Duration) {}

// p99 is that of the nine other targets over 200 batches of ten, one effect for each target.
func p99(t *testing.T, slow time.Duration) time.Duration {
	t.Helper()
	var out time.Duration
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		targets := paced{"hook-0": func() time.Duration { return slow }}
		for i := 1; i < 10; i++ {
			pace := 10*time.Millisecond + time.Duration(random.Int64N(int64(40*time.Millisecond)))
			targets[fmt.Sprint("hook-", i)] = func() time.Duration { return pace }
		}
		claims := mem.NewClaims(nil)
		var others []time.Duration
		for batch := range 200 {
			recorder := &landedAt{time.Now(), make(chan landed, 10)}
			h := act.New(act.Config{
				Region: "a", Claims: claims.In("a"), Queue: mem.NewQueues(mem.QueuesConfig{Now: time.Now}).From("a"),
				Targets: map[string]act.Target{loop.TargetWebhook: targets}, Hold: hold, Margin: time.Second,
				Backoff: act.DefaultBackoff(), Unclaimed: act.DefaultBackoff(), Now: time.Now,
				NewOwner: func() string { return "a/1" }, Recorder: recorder,
			})
			msgs := make([]loop.Message, 10)
			for i := range msgs {
				e := effect(fmt.Sprintf("%d-%d", batch, i))
				e.Action, e.ExpireAfter = fmt.Sprint("hook-", i), loop.Duration(24*time.Hour)
				body, err := loop.Encode(loop.Item{AcceptedAt: time.Now(), Input: "default", Effect: &e})
				if err != nil {
					t.Fatal(err)
				}
				msgs[i] = loop.Message{ID: e.ID, Body: body}
			}
			if failed := h.Handle(t.Context(), msgs); len(failed) > 0 {
				t.Fatal(failed)
			}
			close(recorder.times)
			for l := range recorder.times {
				if l.action != "hook-0" {
					others = append(others, l.after)
				}
			}
		}
		if len(others) != 1800 {
			t.Fatalf("%d effects landed, want 1800", len(others))
		}
		slices.Sort(others)
		out = others[len(others)*99/100]
	})
	return out
}

// FAULTS 31: one slow target among ten.
func TestASlowTargetDoesNotMoveTheOthers(t *testing.T) {
	t.Parallel()
	usual, beside := p99(t, 20*time.Millisecond), p99(t, 4*time.Second)
	t.Logf("p99 of nine targets: %s, beside one that takes 4 s: %s (×%.2f)", usual, beside, float64(beside)/float64(usual))
	if float64(beside) > 1.2*float64(usual) {
		t.Errorf("a slow target moved the others from %s to %s", usual, beside)
	}
}
