package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// park puts a parked claim into the fake cloud.
func (t *terminalOf) park(id, rule string, ago time.Duration) loop.Claim {
	c := loop.Claim{
		EffectID: strings.Repeat(id, 64/len(id)), Status: loop.StatusParked, Owner: "us-east-2/1", Token: 3, Attempt: 2, Evidence: "400 Bad\nRequest",
		AcceptedAt: testNow.Add(-ago - time.Minute), UpdatedAt: testNow.Add(-ago),
	}
	c.Effect = loop.Effect{
		ID: c.EffectID, RuleID: rule, Key: "checkout", Phase: loop.PhaseDo, Step: "page", Action: "page", Target: loop.TargetWebhook,
		Class: loop.ClassKeyed, SignalKey: strings.Repeat("5", 64), ExpireAfter: loop.Duration(15 * time.Minute),
		Request: &loop.Request{
			Method: "POST", URL: "https://hooks.example.com/page", Body: `{"a":1}`, Headers: map[string]string{"x": "1", "a": "2"}, Secret: "ssm:/t/hook",
		},
	}
	t.cloud.claimed[c.EffectID] = c
	return c
}

func TestParkedEffectsAreListedOldestFirst(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.dead["us-east-2"] = true // any region knows
	w.park("a1", "young", time.Hour)
	w.park("b2", "old", 50*time.Hour)
	done := w.park("c3", "done", time.Hour)
	done.Status = loop.StatusDone
	w.cloud.claimed[done.EffectID] = done
	if code := w.run(t.Context(), "parked", "list", "-c", testLoop); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "parked list", w.out.String())

	w.out.Reset()
	w.run(t.Context(), "parked", "list", "-c", testLoop, "--rule", "young", "--json")
	var f scanResult
	if err := json.Unmarshal(w.out.Bytes(), &f); err != nil || f.Count != 1 || f.Parked[0].Rule != "young" || f.Scanned != 3 || !f.Whole || f.Region != "us-west-2" {
		t.Errorf("%v: %s", err, w.out.String())
	}
	w.out.Reset()
	w.run(t.Context(), "parked", "list", "-c", testLoop, "--scan", "2")
	if !strings.Contains(w.out.String(), "raise --scan") {
		t.Errorf("a scan that stopped looks whole: %s", w.out.String())
	}
}

func TestShowTellsAllOfAClaim(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	c := w.park("a1", "r", time.Hour)
	c = c.Reopened(testNow.Add(-time.Minute), "ann", "the hook is back")
	w.cloud.claimed[c.EffectID] = c
	if code := w.run(t.Context(), "parked", "show", c.EffectID, "-c", testLoop); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "parked show", w.out.String())
}

func TestRetryReopensThenSends(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	c := w.park("a1", "r", time.Hour)
	if code := w.run(t.Context(), "parked", "retry", c.EffectID, "-c", testLoop, "--why", "hook is back"); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	got := w.cloud.claimed[c.EffectID]
	if got.Status != loop.StatusClaimed || got.Token != 4 || !got.RenewedAt.Equal(testNow) || got.Audit[0].By != "arn:aws:iam::1:user/ann" {
		t.Errorf("stored %+v", got)
	}
	if !strings.Contains(w.out.String(), "reopened and sent to actions in us-east-2") {
		t.Errorf("said %s", w.out.String())
	}
	// It died before or after it sent: it is run again.
	w.out.Reset()
	if code := w.run(t.Context(), "parked", "retry", c.EffectID, "-c", testLoop); code != exitOK || len(w.cloud.claimed[c.EffectID].Audit) != 1 {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	sent := w.cloud.sent["us-east-2|"+loop.QueueActions]
	if len(sent) != 2 {
		t.Fatalf("%d messages", len(sent))
	}
	var env loop.Envelope
	if err := json.Unmarshal(sent[0].Body, &env); err != nil || env.Items[0].Effect.ID != c.EffectID || !env.Items[0].AcceptedAt.Equal(c.AcceptedAt) || sent[0].Group != "page" {
		t.Errorf("%v: %s", err, sent[0].Body)
	}
}

func TestADeadRegionDoesNotKeepAPersonFromActing(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.dead["us-east-2"] = true
	c := w.park("a1", "r", time.Hour)
	if code := w.run(t.Context(), "parked", "retry", c.EffectID, "-c", testLoop); code != exitOK || len(w.cloud.sent["us-west-2|"+loop.QueueActions]) != 1 {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	w.cloud.dead["us-west-2"] = true
	if code := w.run(t.Context(), "parked", "retry", c.EffectID, "-c", testLoop); code != exitUnreachable {
		t.Errorf("exit %d", code)
	}
}

func TestDiscardEndsWithoutSending(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want loop.Status
	}{{nil, loop.StatusSuppressed}, {[]string{"--done"}, loop.StatusDone}} {
		w := newTerminal()
		silent, heard := w.park("a1", "r", time.Hour), w.park("b2", "r", time.Hour)
		heard.Effect.Emit = []loop.Status{c.want}
		w.cloud.claimed[heard.EffectID] = heard
		for range 2 { // run again, it changes nothing
			args := append([]string{"parked", "discard", silent.EffectID, heard.EffectID, "-c", testLoop, "--why", "over"}, c.args...)
			if code := w.run(t.Context(), args...); code != exitOK {
				t.Fatalf("exit %d: %s", code, w.out.String())
			}
		}
		got := w.cloud.claimed[silent.EffectID]
		if got.Status != c.want || len(got.Audit) != 1 || !strings.Contains(got.Evidence, "over") || !strings.Contains(got.Evidence, "400 Bad") {
			t.Errorf("stored %+v", got)
		}
		if sent := w.cloud.sent["us-east-2|"+loop.QueueActions]; len(sent) != 2 {
			t.Errorf("%d messages: one a run, so that act tells the outcome of the one that a rule wants to hear of", len(sent))
		}
	}
}

func TestWhatHasEndedIsNotTouched(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	c := w.park("a1", "r", time.Hour)
	c.Status = loop.StatusDone
	w.cloud.claimed[c.EffectID] = c
	for _, verb := range []string{"retry", "discard"} {
		w.out.Reset()
		if code := w.run(t.Context(), "parked", verb, c.EffectID, "-c", testLoop); code != exitProblem || !strings.Contains(w.out.String(), "it is done") {
			t.Errorf("%s: exit %d: %s", verb, code, w.out.String())
		}
	}
	if w.cloud.claimed[c.EffectID].Token != 3 || len(w.cloud.sent) != 0 {
		t.Error("something happened")
	}
}

func TestManyAreRetriedByTheirAction(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.park("a1", "r", time.Hour)
	w.park("b2", "other", time.Hour)
	w.run(t.Context(), "parked", "retry", "-c", testLoop, "--rule", "r", "--dry-run")
	if len(w.cloud.sent) != 0 || !strings.Contains(w.out.String(), "1 effect, 0 failed") {
		t.Errorf("a dry run did something: %s", w.out.String())
	}
	w.out.Reset()
	w.run(t.Context(), "parked", "retry", "-c", testLoop, "--action", "page", "--json")
	var out struct {
		Effects []result
		Failed  int
	}
	if err := json.Unmarshal(w.out.Bytes(), &out); err != nil || len(out.Effects) != 2 || out.Failed != 0 || len(w.cloud.sent["us-east-2|"+loop.QueueActions]) != 2 {
		t.Errorf("%v: %s", err, w.out.String())
	}
}
