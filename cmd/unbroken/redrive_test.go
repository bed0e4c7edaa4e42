package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
)

const east = "us-east-2"

// deadLetters puts n quarantined signals into a region's dead-letter queue.
func (t *terminalOf) deadLetters(region, name string, n int, accepted time.Time) {
	for i := range n {
		body, err := loop.Encode(loop.Item{
			AcceptedAt: accepted, Input: "default", Signal: json.RawMessage(fmt.Sprintf(`{"source":"shop","id":"%d"}`, i)),
			Quarantine: &loop.Quarantine{Reason: loop.CodeRuleFailed, Stage: "decide", Rule: "cpu", Detail: "no such key: value", At: accepted},
		})
		if err != nil {
			panic(err)
		}
		t.cloud.sent[region+"|"+loop.DeadLetter(name)] = append(t.cloud.sent[region+"|"+loop.DeadLetter(name)], loop.Outgoing{Body: body, Group: "default"})
	}
}

// moved are the items that came back to a queue.
func (t *terminalOf) moved(region, name string) (items []loop.Item) {
	for _, m := range t.cloud.sent[region+"|"+name] {
		var env loop.Envelope
		if err := json.Unmarshal(m.Body, &env); err != nil {
			panic(err)
		}
		items = append(items, env.Items...)
	}
	return items
}

func TestDeadLettersAreMovedHereWhereSQSCannot(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	accepted := testNow.Add(-72 * time.Hour)
	w.deadLetters(east, loop.QueueSignals, 25, accepted)
	w.deadLetters("us-west-2", loop.QueueSignals, 1, accepted)
	if code := w.run(t.Context(), "redrive", "signals", "-c", testLoop); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	got := w.moved(east, loop.QueueSignals)
	if len(got) != 25 || len(w.moved("us-west-2", loop.QueueSignals)) != 1 {
		t.Fatalf("%d moved", len(got))
	}
	if !got[0].AcceptedAt.Equal(accepted) || got[0].Quarantine.Rule != "cpu" || w.cloud.sent[east+"|"+loop.QueueSignals][0].Group != "default" {
		t.Errorf("it changed on its way: %+v", got[0])
	}
	golden(t, "redrive", w.out.String())
	// Repeated, it finds nothing.
	w.out.Reset()
	if code := w.run(t.Context(), "redrive", "signals", "-c", testLoop); code != exitOK || len(w.moved(east, loop.QueueSignals)) != 25 {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
}

func TestADryRunShowsWhyAndMovesNothing(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.deadLetters(east, loop.QueueSignals, 2, testNow)
	w.cloud.sent[east+"|signals-dlq"] = append(w.cloud.sent[east+"|signals-dlq"], loop.Outgoing{Body: []byte(`{"v":1,"items":[{},{}]}`)})
	w.cloud.sent["us-west-2|signals-dlq"] = []loop.Outgoing{{Body: []byte(`not json`)}}
	if code := w.run(t.Context(), "redrive", "signals", "-c", testLoop, "--dry-run"); code != exitOK || len(w.moved(east, loop.QueueSignals)) != 0 {
		t.Fatalf("exit %d: %s", code, w.out.String())
	}
	golden(t, "redrive dry run", w.out.String())
	if code := w.run(t.Context(), "redrive", "signals", "-c", testLoop, "--json", "--dry-run"); code != exitOK {
		t.Errorf("exit %d", code)
	}
}

func TestSQSMovesWhereItCan(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.depth[east+"|actions-dlq"] = 9
	w.cloud.moves[east+"|actions"] = []queue.Move{
		{Started: 1, Moved: 77}, // an old one
		{Started: 1, Moved: 77}, // the list lags behind
		{Started: 2, Running: true, Moved: 4, Total: 9}, {Started: 2, Moved: 9, Total: 9},
	}
	if code := w.run(t.Context(), "redrive", "actions", "-c", testLoop, "--region", east, "--rate", "20", "--json"); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.out.String())
	}
	if len(w.cloud.started) != 1 || w.cloud.started[0] != east+"|actions|20" || !strings.Contains(w.out.String(), `"moved": 9`) {
		t.Errorf("started %v: %s", w.cloud.started, w.out.String())
	}
}

func TestAMoveThatRunsAlreadyIsWatched(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.moves[east+"|actions"] = []queue.Move{{Started: 2, Running: true, Moved: 4, Total: 9}, {Started: 2, Moved: 6, Total: 9, Failure: "FAILED: denied"}}
	if code := w.run(t.Context(), "redrive", "actions", "-c", testLoop, "--region", east); code != exitProblem {
		t.Errorf("exit %d", code)
	}
	if len(w.cloud.started) != 0 || !strings.Contains(w.out.String(), "denied") {
		t.Errorf("started %v: %s", w.cloud.started, w.out.String())
	}
}

func TestARenewalIsAuditedAndBounded(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.deadLetters(east, loop.QueueSignals, 1, testNow.Add(-time.Hour))
	w.deadLetters(east, loop.QueueSignals, 1, testNow.Add(-renewLimit-time.Hour))
	w.cloud.moves[east+"|signals"] = []queue.Move{{}} // SQS could, but it does not renew
	code := w.run(t.Context(), "redrive", "signals", "-c", testLoop, "--region", east, "--renew", "--why", "rule repaired")
	got := w.moved(east, loop.QueueSignals)
	if code != exitProblem || len(got) != 1 || !got[0].AcceptedAt.Equal(testNow) || got[0].Quarantine == nil {
		t.Fatalf("exit %d, moved %+v: %s", code, got, w.out.String())
	}
	if !strings.Contains(w.out.String(), "more than 18 days ago") {
		t.Errorf("does not say why one was left: %s", w.out.String())
	}
	audit := string(w.cloud.docs[east+"|audit#"+east+"|"+loop.TimeKey(testNow)])
	if !strings.Contains(audit, "user/ann") || !strings.Contains(audit, "rule repaired") || !strings.Contains(audit, `"moved":1`) {
		t.Errorf("audited as %s", audit)
	}
}

// Its key's horizon would seem to begin anew, and the target might have forgotten the first request.
func TestWhatWasSentWithoutAClaimIsNotRenewed(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	for _, it := range []loop.Item{{Unclaimed: 1}, {Delivered: true}} {
		it.AcceptedAt, it.Input, it.Effect = testNow.Add(-time.Hour), "default", &loop.Effect{ID: "e"}
		body, err := loop.Encode(it)
		if err != nil {
			t.Fatal(err)
		}
		w.cloud.sent[east+"|actions-dlq"] = append(w.cloud.sent[east+"|actions-dlq"], loop.Outgoing{Body: body})
	}
	code := w.run(t.Context(), "redrive", "actions", "-c", testLoop, "--region", east, "--renew")
	if got := w.moved(east, loop.QueueActions); code != exitProblem || len(got) != 0 || !strings.Contains(w.out.String(), "without --renew") {
		t.Errorf("exit %d, moved %+v: %s", code, got, w.out.String())
	}
}

func TestARenewalExtendsWhatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	for id, change := range map[string]func(*loop.Claim){
		"a1": func(c *loop.Claim) { c.Status, c.Deadline = loop.StatusClaimed, testNow.Add(-time.Hour) },
		"b2": func(c *loop.Claim) { c.Status, c.Deadline = loop.StatusClaimed, testNow.Add(time.Second) },
		"c3": func(c *loop.Claim) { c.Status = loop.StatusDone },
	} {
		c := w.park(id, "r", time.Hour)
		change(&c)
		w.cloud.claimed[c.EffectID] = c
		body, _ := loop.Encode(loop.Item{AcceptedAt: c.AcceptedAt, Input: "default", Effect: &c.Effect})
		w.cloud.sent[east+"|actions-dlq"] = append(w.cloud.sent[east+"|actions-dlq"], loop.Outgoing{Body: body})
	}
	if code := w.run(t.Context(), "redrive", "actions", "-c", testLoop, "--region", east, "--renew"); code != exitProblem || len(w.moved(east, loop.QueueActions)) != 2 {
		t.Fatalf("exit %d: %s", code, w.out.String())
	}
	of := func(id string) loop.Claim { return w.cloud.claimed[strings.Repeat(id, 32)] }
	if c := of("a1"); !c.RenewedAt.Equal(testNow) || c.Token != 4 || c.Status != loop.StatusClaimed || len(c.Audit) != 1 || !c.NotBefore.IsZero() {
		t.Errorf("the abandoned one: %+v", c)
	}
	if of("b2").Token != 3 || of("c3").Token != 3 {
		t.Error("a live or a terminal claim was touched")
	}
}

func TestADeadRegionIsToldAndTheOtherIsRedriven(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.dead[east] = true
	w.deadLetters("us-west-2", loop.QueueSignals, 3, testNow)
	if code := w.run(t.Context(), "redrive", "signals", "-c", testLoop); code != exitUnreachable || len(w.moved("us-west-2", loop.QueueSignals)) != 3 {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
}

// The archive's dead letters go back to its queue, where there is one, and keep the hour that they belong to.
func TestWhatCouldNotBeArchivedIsRedriven(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "loop.yaml")
	if err := os.WriteFile(file, []byte("inputs: {kept: {kind: http, archive: true}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newTerminal()
	accepted := testNow.Add(-30 * time.Hour)
	w.deadLetters(east, loop.QueueArchive, 3, accepted)
	if code := w.run(t.Context(), "redrive", "archive", "-c", file); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	if got := w.moved(east, loop.QueueArchive); len(got) != 3 || !got[0].AcceptedAt.Equal(accepted) {
		t.Errorf("moved %+v", got)
	}
	for says, args := range map[string][]string{
		"leave --renew out":    {"redrive", "archive", "-c", file, "--renew"},
		"no input is archived": {"redrive", "archive", "-c", testLoop},
	} {
		w := newTerminal()
		if code := w.run(t.Context(), args...); code != exitUsage || !strings.Contains(w.err.String(), says) {
			t.Errorf("%v: exit %d: %s", args, code, w.err.String())
		}
	}
}
