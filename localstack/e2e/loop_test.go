//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

func TestHTTPBecomesAWebhook(t *testing.T) {
	s := signals(t, "com.example.notify", 3)
	send(t, east, "default", s...)
	delivered(t, time.Minute, s)
	once(t, s)
}

func TestInboxOfTheOtherRegionBecomesAWebhook(t *testing.T) {
	s := signals(t, "com.example.notify", 1)
	body, err := json.Marshal(s[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := suite.queues.Send(t.Context(), west, loop.QueueInbox, []loop.Outgoing{{Body: body}})[0]; err != nil {
		t.Fatal(err)
	}
	delivered(t, time.Minute, s)
	once(t, s)
}

// FAULTS 5: one id, two regions, at once; and each of the four copies is decided and acted on.
func TestTheSameIDsSentToBothRegionsAreDeliveredOnce(t *testing.T) {
	s := signals(t, "com.example.notify", 200)
	errs := make(chan error, 2)
	for _, region := range []string{east, west} {
		c := sender(t, region, "default")
		go func() {
			_, err := c.Send(t.Context(), s...)
			errs <- err
		}()
	}
	if err := errors.Join(<-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	delivered(t, 60*time.Second, s)
	once(t, s)
}

// FAULTS 37: the region is gone after its 202. Its peer holds a standby copy and acts without being told.
func TestARegionThatDiesAfterItsAnswerLosesNothing(t *testing.T) {
	const n = 20
	s, limit := signals(t, "com.example.notify", n), promised(t)
	// The region accepts, but is too slow to decide: that makes the instant of its death certain.
	mappings := switchOff(t, east, loop.FuncDecide)
	send(t, east, "default", s...)
	cutAt := time.Now()
	if err := suite.Cut(t.Context(), east); err != nil {
		t.Fatal(err)
	}
	healed := false
	heal := func() {
		if healed {
			return
		}
		healed = true
		if err := suite.Heal(context.WithoutCancel(t.Context()), east); err != nil {
			t.Error(err)
		}
		switchOn(t, east, mappings)
	}
	t.Cleanup(heal)
	delivered(t, limit, s)
	t.Logf("%d signals of a dead region delivered by its peer after %s; %s are allowed", n, time.Since(cutAt).Round(10*time.Millisecond), limit.Round(10*time.Millisecond))
	// The dead region comes back with its old messages.
	heal()
	once(t, s)
}

// FAULTS 3, policy any: the peer cannot be reached, and an input that allows it goes on with one copy, which says so.
func TestOneRegionGoesOnAloneWhereTheInputAllowsIt(t *testing.T) {
	if err := suite.Cut(t.Context(), west); err != nil {
		t.Fatal(err)
	}
	healed := false
	heal := func() {
		if !healed {
			healed = true
			if err := suite.Heal(context.WithoutCancel(t.Context()), west); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(heal)
	s := signals(t, "com.example.notify", 20)
	report, err := sender(t, east, "alone").Send(t.Context(), s...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Copies != 1 {
			t.Errorf("signal %s: the answer claims %d copies while the peer is dead", r.ID, r.Copies)
		}
	}
	delivered(t, time.Minute, s)
	// An input that wants both copies says no, so that its producer goes elsewhere.
	var no *client.NotAccepted
	if _, err := impatient(t, east, "default").Send(t.Context(), signals(t, "com.example.refused", 1)...); !errors.As(err, &no) {
		t.Errorf("policy all accepted with one region: %v", err)
	}
	heal()
	once(t, s)
}

// FAULTS 11: one poison event among 100.
func TestAPoisonEventHarmsNoOther(t *testing.T) {
	s := signals(t, "com.example.notify", 100)
	s[37].Data = json.RawMessage(`{"value": "not a number"}`)
	send(t, east, "default", s...)
	good := append(append([]client.Signal(nil), s[:37]...), s[38:]...)
	delivered(t, 60*time.Second, good)
	once(t, good)
	letters, err := suite.queues.Receive(t.Context(), east, loop.DeadLetter(loop.QueueSignals), 10, 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	// Nor does it come back in the middle of a test that counts dead letters. The emulator refuses what was deleted before, when
	// the answer was lost and the SDK asked again; SQS does not.
	deleted := suite.queues.Delete(t.Context(), east, loop.DeadLetter(loop.QueueSignals), []string{letters[0].Handle})
	if visible, inFlight, _, err := suite.queues.Depth(t.Context(), east, loop.DeadLetter(loop.QueueSignals)); err != nil || visible+inFlight > 0 {
		t.Fatal(deleted, err)
	}
	var env loop.Envelope
	if err := json.Unmarshal(letters[0].Body, &env); err != nil {
		t.Fatal(err)
	}
	q := env.Items[0].Quarantine
	if q == nil || q.Reason != loop.CodeRuleFailed || q.Rule != "notify" || q.Stage != "decide" || q.Detail == "" {
		t.Errorf("quarantined as %+v", q)
	}
}

func TestAnOutputOfOneRegionIsReadInTheOther(t *testing.T) {
	s := signals(t, "com.example.remember", 1)
	send(t, east, "default", s...)
	until(t, time.Minute, func(ctx context.Context) error {
		var out outputs.Answer
		header, err := output(ctx, west, "/memory/"+t.Name(), &out)
		if err != nil {
			return err
		}
		if string(out.Value) != `{"said":"hello"}` || out.Origin != east || header.Get(outputs.HeaderRegion) != west || header.Get("Age") == "" {
			return fmt.Errorf("read %+v, value %s, %v", out, out.Value, header)
		}
		return nil
	})
}

func TestOutputsAreListedByPrefixAndKeepTheirHistory(t *testing.T) {
	key := "memory/" + t.Name()
	var h outputs.History
	for i, s := range signals(t, "com.example.remember", 2) {
		send(t, east, "default", s)
		until(t, time.Minute, func(ctx context.Context) error {
			if _, err := output(ctx, west, "/"+key+"?history=5", &h); err != nil {
				return err
			}
			if len(h.Versions) != i+1 {
				return fmt.Errorf("history %+v", h)
			}
			return nil
		})
	}
	var l outputs.List
	if _, err := output(t.Context(), west, "?prefix="+key, &l); err != nil {
		t.Fatal(err)
	}
	if len(l.Items) != 1 || l.Items[0].Key != key || l.Items[0].Version != h.Versions[0].Version {
		t.Errorf("list %+v, history %+v", l, h)
	}
}

// output asks a region for what stands behind /v1/outputs.
func output(ctx context.Context, region, target string, answer any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, suite.urls[region]+"/v1/outputs"+target, nil)
	if err != nil {
		return nil, err
	}
	if err := signer().Sign(ctx, req, region, nil); err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", region, resp.Status)
	}
	return resp.Header, json.NewDecoder(resp.Body).Decode(answer)
}

func TestHealthNeedsNoCredentials(t *testing.T) {
	canaries(t)
}

// switchOff disables the mappings of a function, as an operator or a bad deployment might.
func switchOff(t *testing.T, region, function string) []string {
	t.Helper()
	ids := mappingsOf(t, region, function)
	turn(t, lambda.NewFromConfig(suite.AWS(region)), ids, false)
	return ids
}

func mappingsOf(t *testing.T, region, function string) []string {
	t.Helper()
	api := lambda.NewFromConfig(suite.AWS(region))
	list, err := api.ListEventSourceMappings(context.WithoutCancel(t.Context()), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String(loop.Name(prefix, function))})
	if err != nil || len(list.EventSourceMappings) == 0 {
		t.Fatalf("mappings of %s in %s: %v, %v", function, region, list, err)
	}
	var ids []string
	for _, m := range list.EventSourceMappings {
		ids = append(ids, *m.UUID)
	}
	return ids
}

func switchOn(t *testing.T, region string, ids []string) {
	t.Helper()
	turn(t, lambda.NewFromConfig(suite.AWS(region)), ids, true)
}

func turn(t *testing.T, api *lambda.Client, ids []string, on bool) {
	t.Helper()
	for _, id := range ids {
		_, err := api.UpdateEventSourceMapping(context.WithoutCancel(t.Context()), &lambda.UpdateEventSourceMappingInput{UUID: aws.String(id), Enabled: aws.Bool(on)})
		if err != nil {
			t.Fatalf("switch mapping %s: %v", id, err)
		}
	}
}
