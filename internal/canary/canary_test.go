package canary_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

func TestACanaryEveryHalfMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		queues := mem.NewQueues(mem.QueuesConfig{Now: time.Now, Visibility: time.Hour})
		s := &canary.Sender{Region: "a", Inputs: []string{"signals"}, Queue: queues.From("a"), Now: time.Now}
		ids := map[string]bool{}
		for range 2 { // minutes
			start := time.Now()
			if err := s.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got := queues.Receive("a", loop.QueueSignals, 10)
				if len(got) != 1 {
					t.Fatalf("%d canaries after %s", len(got), time.Since(start))
				}
				var env loop.Envelope
				if err := json.Unmarshal(got[0].Body, &env); err != nil || len(env.Items) != 1 || !env.Items[0].AcceptedAt.Equal(time.Now()) {
					t.Errorf("%+v, %v: it counts from when it is due, %s", env, err, time.Now())
				}
				var event struct{ ID, Source, Type string }
				if err := json.Unmarshal(env.Items[0].Signal, &event); err != nil || event.Source != loop.CanarySource || event.Type != loop.CanaryType {
					t.Errorf("%+v, %v", event, err)
				}
				ids[event.ID] = true
				// Whoever sends the same from outside is refused.
				if _, err := ingest.ParseEvent(env.Items[0].Signal); loop.CodeOf(err) != loop.CodeReserved {
					t.Errorf("from outside: %v", err)
				}
				time.Sleep(loop.CanaryEvery) // the bubble's clock
			}
		}
		if len(ids) != 4 {
			t.Errorf("%d different ids of 4 canaries", len(ids))
		}
	})
}

func TestACanaryThatCannotBeSentIsAnError(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	queues := mem.NewQueues(mem.QueuesConfig{Now: time.Now, Fault: func(mem.Op) error { return down }})
	s := &canary.Sender{Region: "a", Inputs: []string{"signals"}, Queue: queues.From("a"), Now: time.Now}
	if err := s.Run(t.Context()); !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
}
