package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

type unheard struct{}

func (unheard) Decided(context.Context, loop.Decision, loop.Item)        {}
func (unheard) Late(context.Context, string, string)                     {}
func (unheard) Overflow(context.Context, string)                         {}
func (unheard) Quarantined(context.Context, loop.Quarantine, loop.Item)  {}
func (unheard) Retried(context.Context, loop.Item, time.Duration, error) {}
func (unheard) Batch(context.Context, []loop.Item, int)                  {}

// decidedBy lets the functions' own code decide signals, and claims the effects as act would leave them.
func (w *terminalOf) decidedBy(t *testing.T, signals string, status loop.Status, evidence string) (effects []loop.Effect) {
	t.Helper()
	text, err := os.ReadFile(testLoop)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := rule.Parse(testLoop, text)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := rule.Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := rule.Load(packed)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return testNow }
	queues := mem.NewQueues(mem.QueuesConfig{Now: now, Visibility: time.Minute})
	tables := mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"us-east-2"}, Now: now, Immediate: true})
	h := decide.New(decide.Config{
		Region: "us-east-2", Set: bundle.Set, Queue: queues, Now: now, Recorder: unheard{},
		Backoff: func(int) time.Duration { return 0 }, Windows: mem.NewWindows(tables, "us-east-2"), Episodes: mem.NewEpisodes(nil).In("us-east-2"),
	})
	for line := range strings.Lines(signals) {
		body, err := loop.Encode(loop.Item{AcceptedAt: testNow, Input: "default", Signal: json.RawMessage(line)})
		if err != nil {
			t.Fatal(err)
		}
		if failed := h.Handle(t.Context(), []loop.Message{{ID: "1", Body: body}}); len(failed) > 0 {
			t.Fatalf("failed: %s", line)
		}
	}
	for _, m := range queues.Receive("us-east-2", loop.QueueActions, 10) {
		var env loop.Envelope
		if err := json.Unmarshal(m.Body, &env); err != nil {
			t.Fatal(err)
		}
		e := *env.Items[0].Effect
		w.cloud.claimed[e.ID] = loop.Claim{
			EffectID: e.ID, Status: status, Owner: "us-east-2/1", Token: 1, AcceptedAt: testNow, UpdatedAt: testNow.Add(time.Second),
			Effect: e, Evidence: evidence,
		}
		effects = append(effects, e)
	}
	return effects
}

const cpuSignals = `{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"1","subject":"i-1","time":"2026-03-04T04:50:00Z","data":{"value":95}}
{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"2","subject":"i-1","time":"2026-03-04T04:55:00Z","data":{"value":96.50}}
{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"3","subject":"i-1","time":"2026-03-04T05:00:00Z","data":{"value":97}}`

// The decision of a window is explained by any of its ids, when the rules' file no longer knows of it either.
func TestWhatADeployedLoopDecidedIsExplained(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	effects := w.decidedBy(t, cpuSignals, loop.StatusSuppressed, "silence: s-1 by ann, rule=cpu until 2026-03-04T06:00:00Z: upgrade")
	if len(effects) == 0 {
		t.Fatal("nothing was decided")
	}
	golden(t, "explain deployed", w.must(t, "explain", effects[0].ID))
	byDecision := w.must(t, "explain", effects[0].DecisionID)
	if !strings.Contains(byDecision, effects[0].ID) {
		t.Errorf("by its decision:\n%s", byDecision)
	}
	// A signal's effects are in the log of decide where its rule has a window.
	w.log("us-east-2", "decide", logged(2, "us-east-2", "decided", fmt.Sprintf(`"signalKey":%q,"rule":"cpu","phase":"do","effects":[%q]`, effects[0].SignalKey, effects[0].ID)))
	if bySignal := w.must(t, "explain", "3", "--source", "s"); !strings.Contains(bySignal, "signal.data.value = 97") {
		t.Errorf("by its signal:\n%s", bySignal)
	}
	if story := w.must(t, "trace", "3", "--source", "s"); !strings.Contains(story, "signal.data.value = 97, 3 signals in the window, bundle ") {
		t.Errorf("trace:\n%s", story)
	}
	var doc struct {
		Effects []struct {
			ID  string
			Why loop.Why
		}
	}
	if err := json.Unmarshal([]byte(w.must(t, "explain", effects[0].ID, "--json")), &doc); err != nil || len(doc.Effects) != 1 ||
		len(doc.Effects[0].Why.Bundle) != 64 || doc.Effects[0].Why.Window.Held != 3 {
		t.Errorf("%v: %+v", err, doc)
	}
}

// What was done else tells why its do was, and what did not come true.
func TestWhatWasDoneElseIsExplained(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	done := w.decidedBy(t, cpuSignals, loop.StatusDone, "")[0]
	instead := done.Verify.Else[0]
	until := testNow.Add(10 * time.Minute)
	instead.Why = done.Why
	instead.Why.Missed = &loop.WhyMissed{When: "signal.data.value < 80.0", Until: until}
	w.cloud.claimed[instead.ID] = loop.Claim{EffectID: instead.ID, Status: loop.StatusDone, AcceptedAt: testNow, UpdatedAt: until, Effect: instead}
	if got := w.must(t, "explain", instead.DecisionID); !strings.Contains(got, instead.ID) || !strings.Contains(got, "else lead") ||
		!strings.Contains(got, "missed   signal.data.value < 80.0: of no signal that was accepted before "+until.Format(time.RFC3339)) {
		t.Errorf("by its decision:\n%s", got)
	}
}

func TestNothingIsExplainedThatIsNotKnown(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	if code := w.run(t.Context(), "explain", "-c", testLoop, "nobody", "--source", "s"); code != exitProblem || !strings.Contains(w.err.String(), "no trace of this signal") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	w = newTerminal()
	for _, region := range []string{"us-east-2", "us-west-2"} {
		w.cloud.dead[region] = true
	}
	if code := w.run(t.Context(), "explain", "-c", testLoop, traceEffID); code != exitUnreachable {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
}

// An effect of a group is explained by its members, as far as they are listed.
func TestExplainOfAGroupListsItsMembers(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tellDeployed(&out, []deployedEffect{{ID: "e", Rule: "slow", Phase: loop.PhaseDo, Key: "z-1", Why: &loop.Why{
		ID: "1", Source: "shop", Group: &loop.WhyGroup{Keys: 1000, Full: true, Until: testNow, Members: []loop.Member{{Key: "web-1", Source: "shop", ID: "1", Time: testNow}}},
	}}})
	for _, want := range []string{
		"group    at least 1000 keys until " + stamp(testNow) + ":\n", "           web-1: 1 from shop, of " + stamp(testNow) + "\n", "           and 999 more\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if got := because(&loop.Why{Group: &loop.WhyGroup{Keys: 3}}); !strings.Contains(got, "3 keys in the group") {
		t.Error(got)
	}
}
