//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
)

// until asks again until ok returns nil, and fails with its last word when the time is up.
func until(t *testing.T, limit time.Duration, ok func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for {
		err := ok(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %v", limit, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// signals makes n signals of a type whose ids begin with the test's own name.
func signals(t *testing.T, typ string, n int) []client.Signal {
	t.Helper()
	out := make([]client.Signal, n)
	for i := range out {
		out[i] = client.Signal{
			ID: fmt.Sprintf("%s-%d", t.Name(), i), Source: "e2e/suite", Type: typ, Subject: t.Name(),
			Data: json.RawMessage(fmt.Sprintf(`{"value": %d, "say": "hello"}`, i+1)),
		}
	}
	return out
}

func send(t *testing.T, region, input string, s ...client.Signal) {
	t.Helper()
	if _, err := sender(t, region, input).Send(t.Context(), s...); err != nil {
		t.Fatal(err)
	}
}

// hookID is the webhook-id under which rule notify delivers a signal: computed here from the ids alone.
func hookID(s client.Signal) string {
	return loop.EffectID(loop.SignalDecisionID(s.Key(), "notify"), "hook")
}

// received counts the deliveries per webhook-id under a path prefix.
func received(ctx context.Context, path string) (map[string]int, error) {
	report, err := suite.Receiver.Deliveries(ctx, 0, path)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, d := range report.Deliveries {
		if d.Verified != "yes" {
			return nil, fmt.Errorf("delivery %s: signature: %s", d.WebhookID, d.Verified)
		}
		counts[d.WebhookID]++
	}
	return counts, nil
}

// delivered waits until every signal has its delivery.
func delivered(t *testing.T, limit time.Duration, s []client.Signal) {
	t.Helper()
	until(t, limit, func(ctx context.Context) error {
		counts, err := received(ctx, "/notify/"+t.Name())
		if err != nil {
			return err
		}
		missing := 0
		for _, one := range s {
			if counts[hookID(one)] == 0 {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d are not delivered", missing, len(s))
		}
		return nil
	})
}

// once waits until nothing is under way in any region, standby copies included, and checks that each signal was
// delivered exactly once and nothing else was.
func once(t *testing.T, s []client.Signal) {
	t.Helper()
	drained(t, 60*time.Second, east, west)
	counts, err := received(t.Context(), "/notify/"+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range s {
		if n := counts[hookID(one)]; n != 1 {
			t.Errorf("signal %s was delivered %d times", one.ID, n)
		}
		delete(counts, hookID(one))
	}
	if len(counts) > 0 {
		t.Errorf("deliveries that nobody asked for: %v", counts)
	}
}

// drained waits until the queues of the regions are empty, delayed and received messages included.
func drained(t *testing.T, limit time.Duration, regions ...string) {
	t.Helper()
	until(t, limit, func(ctx context.Context) error {
		for _, region := range regions {
			for _, q := range loop.Queues() {
				visible, inFlight, delayed, err := suite.queues.Depth(ctx, region, q)
				if err != nil {
					return err
				}
				if visible+inFlight+delayed > 0 {
					return fmt.Errorf("%s in %s: %d visible, %d in flight, %d delayed", q, region, visible, inFlight, delayed)
				}
			}
		}
		return nil
	})
}
