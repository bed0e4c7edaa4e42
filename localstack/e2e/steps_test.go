//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
)

// until asks again until ok returns nil, and fails with its last word when the time is up.
func until(t *testing.T, limit time.Duration, ok func(ctx context.Context) error) {
	t.Helper()
	untilEvery(t, 50*time.Millisecond, limit, ok)
}

func untilEvery(t *testing.T, pause, limit time.Duration, ok func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var why error
	for {
		err := ok(ctx)
		if err == nil {
			return
		}
		if why == nil || ctx.Err() == nil { // a look that the end of the time cut off shows nothing
			why = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %v", limit, why)
		case <-time.After(pause):
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

// drop sends to the region's inbox over SQS.
func drop(t *testing.T, region string, s ...client.Signal) {
	t.Helper()
	var inbox []loop.Outgoing
	for _, one := range s {
		body, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		inbox = append(inbox, loop.Outgoing{Body: body})
	}
	for _, err := range suite.queues.Send(t.Context(), region, loop.QueueInbox, inbox) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// hookID is the webhook-id under which rule notify delivers a signal: computed here from the ids alone.
func hookID(s client.Signal) string {
	return loop.EffectID(loop.SignalDecisionID(s.Key(), "notify"), "hook")
}

// received counts the requests per webhook-id under a path prefix. Those of one id must have the same bytes, for
// that is what lets a keyed target drop all but the first.
func received(ctx context.Context, path string) (map[string]int, error) {
	report, err := suite.Receiver.Deliveries(ctx, 0, path)
	if err != nil {
		return nil, err
	}
	counts, bodies := map[string]int{}, map[string]string{}
	for _, d := range report.Deliveries {
		if d.Verified != "yes" {
			return nil, fmt.Errorf("delivery %s: signature: %s", d.WebhookID, d.Verified)
		}
		if counts[d.WebhookID]++; counts[d.WebhookID] == 1 {
			bodies[d.WebhookID] = d.Body
		} else if bodies[d.WebhookID] != d.Body {
			return nil, fmt.Errorf("delivery %s: two requests differ: %q, %q", d.WebhookID, bodies[d.WebhookID], d.Body)
		}
	}
	return counts, nil
}

// single checks that an effect was requested once. There is one lawful reason for a second request: the answer to
// the first was not known (on a machine this busy an attempt may take longer than its second), and then the claim
// says so. The target drops it by its key; that is what keyed means.
func single(t *testing.T, id string, requests int) {
	t.Helper()
	if requests == 1 {
		return
	}
	claim, again := unknown(t, id)
	if requests == 0 || requests > 1+again {
		t.Errorf("effect %s was requested %d times; its claim knows of %d attempts without an answer (%s)", id, requests, again, claim.Evidence)
		return
	}
	t.Logf("effect %s was requested %d times with one key: attempt %d, token %d", id, requests, claim.Attempt, claim.Token)
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

// promised is how long the peer may take for what a dead region had in hand: the standby delay and 5 s (P3), and on a machine
// that is busy ten times as long as a signal takes there that nothing is wrong with.
func promised(t *testing.T) time.Duration {
	t.Helper()
	s := signals(t, "com.example.notify", 1)
	s[0].ID, s[0].Subject = s[0].ID+"-straight", "straight/"+t.Name()
	began := time.Now()
	send(t, west, "default", s...)
	until(t, time.Minute, func(ctx context.Context) error {
		counts, err := received(ctx, "/notify/straight/"+t.Name())
		if err == nil && counts[hookID(s[0])] == 0 {
			err = errors.New("not delivered")
		}
		return err
	})
	straight := time.Since(began)
	drained(t, time.Minute, east, west)
	return standbyDelay + 5*time.Second + 10*straight
}

// once waits until nothing is under way in any region, standby copies included, and checks that each signal was
// delivered exactly once and nothing else was.
func once(t *testing.T, s []client.Signal) {
	t.Helper()
	drained(t, 60*time.Second, east, west)
	landed(t, s)
}

// landed is once where canaries keep the queues from being empty.
func landed(t *testing.T, s []client.Signal) {
	t.Helper()
	counts, err := received(t.Context(), "/notify/"+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range s {
		single(t, hookID(one), counts[hookID(one)])
		delete(counts, hookID(one))
	}
	if len(counts) > 0 {
		t.Errorf("deliveries that nobody asked for: %v", counts)
	}
}

// unknown is how often it was not known how an effect's attempt had ended: each such attempt is made again.
func unknown(t *testing.T, id string) (c loop.Claim, attempts int) {
	t.Helper()
	c, err := suite.claims.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c, c.Attempt + int(c.Token) - 1
}

// canaries sends canaries in both regions until the test ends, and waits until both are healthy: without one that came
// through lately a region is not whole. In the suite no schedule sends them, as it waits for empty queues.
func canaries(t *testing.T) {
	t.Helper()
	var senders sync.WaitGroup
	for _, region := range []string{east, west} {
		senders.Go(func() {
			for t.Context().Err() == nil {
				next := time.After(2 * loop.CanaryEvery) // an invocation sends now, and half a minute later
				if err := suite.Invoke(t.Context(), region, loop.Name(prefix, loop.FuncCanary)); err != nil && t.Context().Err() == nil {
					t.Logf("canary of %s: %v", region, err) // a region that is cut sends none
				}
				select {
				case <-t.Context().Done():
				case <-next:
				}
			}
		})
	}
	t.Cleanup(senders.Wait)
	for _, region := range []string{east, west} {
		until(t, time.Minute, func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, suite.urls[region]+"/v1/health", nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s answered %s", region, resp.Status)
			}
			return nil
		})
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

// unbroken runs the command line against the suite's world, as a person would.
func unbroken(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(suite.Dir, "bin", "unbroken"), append([]string{"--config", filepath.Join(suite.dir, "loop.yaml")}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+suite.EdgeURL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("unbroken %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}
