package telemetry

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

var (
	key  = loop.SignalKey("shop/eu", "1")
	item = loop.Item{
		AcceptedAt: noon().Add(-1500 * time.Millisecond), Input: "monitor", Attempt: 2, Standby: true,
		Signal: json.RawMessage(`{"specversion":"1.0","source":"shop/eu","id":"1","data":{"card":"payload-4111"}}`),
	}
)

func copies(string) int { return 2 }

func landing(status loop.Status) *act.Landing {
	e := loop.Effect{
		ID: "e1", RuleID: "checkout", Action: "page", SignalKey: key,
		Request: &loop.Request{
			URL: "https://hook.example/url-token", Body: "payload-4111", Secret: "ssm:/key",
			Headers: map[string]string{"Authorization": "header-token"},
		},
		Output: &loop.OutputSpec{Key: "shed", Value: json.RawMessage(`"payload-4111"`)},
	}
	l := &act.Landing{Item: item, Status: status, Evidence: "200 OK", Claim: loop.Claim{Attempt: 3, Evidence: "of the claim"}}
	l.Item.Effect = &e
	l.Claim.Effect = loop.Effect{ID: "e1"} // fenced out: it knows nothing but the id
	return l
}

func TestEveryLineSaysWhereItWasWrittenAndWhen(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	ctx, end := tm.StartBatch(invocation(t), nil)
	tm.Logger().With(slog.String("part", "a")).LogAttrs(ctx, slog.LevelInfo, "hello")
	tm.Logger().LogAttrs(ctx, slog.LevelDebug, "too quiet")
	end()
	lines := out.take(t)
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	has(t, lines[0], map[string]any{
		"time": "2026-03-04T12:00:00Z", "level": "INFO", "msg": "hello", "part": "a", "function": "act",
		"region": "us-east-2", "requestID": "req-1", "trace": "1-5759e988-bd862e3fe1be46a994272793",
	})
}

func TestIngestLogsKeysAndCountsCopies(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	ctx, end := tm.StartBatch(invocation(t), nil)
	r := tm.Ingest(copies)
	r.Accepted(ctx, "monitor", []string{key, "k2"}, 2)
	r.Accepted(ctx, "monitor", []string{"k3"}, 1)
	r.Refused(ctx, "", loop.CodeUnknownInput, 4)
	tm.Ingest(func(string) int { return 1 }).Accepted(ctx, "regional", []string{"k4"}, 1)
	end()
	lines := out.take(t)
	has(t, lines[0], map[string]any{"msg": "accepted", "level": "INFO", "input": "monitor", "copies": 2, "signals": []string{key, "k2"}})
	has(t, lines[1], map[string]any{"msg": "accepted", "level": "WARN", "copies": 1, "signals": []string{"k3"}})
	has(t, lines[2], map[string]any{"msg": "refused", "code": "unknown_input", "n": 4})
	has(t, lines[4], map[string]any{"Accepted": 4, "SingleCopy": 1, "Rejected": 4})
}

func TestDecideLogsDecisionsAndWhatFailed(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	ctx, end := tm.StartBatch(invocation(t), nil)
	r := tm.Decide()
	r.Decided(ctx, loop.Decision{ID: "d1", RuleID: "checkout", Phase: loop.PhaseDo, SignalKey: key, Effects: []loop.Effect{{ID: "e1"}, {ID: "e2"}}}, item)
	r.Late(ctx, "checkout", key)
	r.Quarantined(ctx, loop.Quarantine{Reason: loop.CodeRuleFailed, Stage: "decide", Rule: "checkout", Detail: `cannot convert "payload-4111"`}, item)
	r.Retried(ctx, item, time.Second, errors.New("claims:\nthrottled"))
	r.Retried(ctx, loop.Item{}, 0, errors.New("message m1: not JSON"))
	r.Batch(ctx, []loop.Item{item}, 7)
	r.Overflow(ctx, "checkout")
	end()
	lines := out.take(t)
	has(t, lines[0], map[string]any{
		"msg": "decided", "signalKey": key, "rule": "checkout", "decisionID": "d1", "phase": "do",
		"effects": []string{"e1", "e2"}, "standby": true,
	})
	has(t, lines[1], map[string]any{"msg": "late", "signalKey": key, "rule": "checkout"})
	has(t, lines[2], map[string]any{"msg": "quarantined", "signalKey": key, "rule": "checkout", "reason": "rule_failed", "stage": "decide"})
	has(t, lines[3], map[string]any{"msg": "retried", "signalKey": key, "attempt": 2, "cause": "claims: throttled"})
	has(t, lines[4], map[string]any{"msg": "unreadable message", "level": "ERROR", "cause": "message m1: not JSON"})
	has(t, lines[5], map[string]any{"msg": "window overflow", "level": "WARN", "rule": "checkout"})
	has(t, lines[6], map[string]any{"Decided": 1, "Late": 1, "WindowOverflow": 1, "Quarantined": 1, "Retries": 1, "Errors": 1, "Unmatched": 7})
}

func TestActLogsEveryEndAndItsLatency(t *testing.T) {
	t.Parallel()
	for status, metric := range map[loop.Status]string{
		loop.StatusDone: "Delivered", loop.StatusParked: "Parked", loop.StatusExpired: "Expired",
		loop.StatusSuperseded: "Superseded", loop.StatusSuppressed: "Suppressed",
	} {
		tm, out := start("")
		ctx, end := tm.StartBatch(invocation(t), nil)
		tm.Act().Landed(ctx, landing(status))
		end()
		lines := out.take(t)
		has(t, lines[0], map[string]any{
			"msg": "landed", "signalKey": key, "effectID": "e1", "status": status, "rule": "checkout", "action": "page",
			"attempt": 3, "evidence": "200 OK", "standby": true,
		})
		has(t, lines[1], map[string]any{metric: 1, "EndToEndLatency": []int{1500}})
		if n := len(lines[1]["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)["Metrics"].([]any)); n != 2 {
			t.Errorf("%s: %d metrics", status, n)
		}
	}
}

func TestSuppressionsAreCountedByTheirReason(t *testing.T) {
	t.Parallel()
	for reason, metric := range map[act.Reason]string{
		act.ReasonShadow: "SuppressedInShadow", act.ReasonSilence: "SuppressedBySilence", act.ReasonThrottle: "SuppressedByThrottle",
		act.ReasonBudget: "SuppressedByBudget", act.ReasonKilled: "SuppressedByKillSwitch", act.ReasonInhibited: "SuppressedByInhibition",
	} {
		tm, out := start("")
		ctx, end := tm.StartBatch(invocation(t), nil)
		l := landing(loop.StatusSuppressed)
		l.Reason = reason
		tm.Act().Landed(ctx, l)
		end()
		lines := out.take(t)
		has(t, lines[0], map[string]any{"status": "suppressed", "reason": string(reason)})
		has(t, lines[1], map[string]any{metric: 1, "Suppressed": 1})
	}
}

func TestAnEndThatIsFoundAgainIsNotCountedAgain(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]int{"": 0, "debug": 1} {
		tm, out := start(level)
		ctx, end := tm.StartBatch(invocation(t), nil)
		l := landing(loop.StatusDone)
		l.Repeat, l.Evidence = true, ""
		tm.Act().Landed(ctx, l)
		end()
		lines := out.take(t)
		if len(lines) != want {
			t.Fatalf("level %q: %v", level, lines)
		}
		if want == 1 {
			has(t, lines[0], map[string]any{"level": "DEBUG", "repeat": true, "evidence": "of the claim"})
		}
	}
}

func TestWaitingIsNotRetrying(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	ctx, end := tm.StartBatch(invocation(t), nil)
	l := landing("")
	l.Evidence = ""
	tm.Act().Retried(ctx, l, time.Second)
	l.Evidence = "503 Service Unavailable\nno"
	tm.Act().Retried(ctx, l, time.Second)
	end()
	lines := out.take(t)
	if len(lines) != 2 {
		t.Fatalf("lines %v", lines)
	}
	has(t, lines[0], map[string]any{"msg": "retried", "signalKey": key, "evidence": "503 Service Unavailable no", "attempt": 3})
	has(t, lines[1], map[string]any{"Retries": 1})
}

func TestNoLineHoldsAPayloadASecretOrAHeader(t *testing.T) {
	t.Parallel()
	tm, out := start("debug")
	ctx, end := tm.StartBatch(invocation(t), []loop.Message{{ID: "m1", Body: []byte("payload-4111"), SentAt: noon(), Trace: "x"}})
	tm.Ingest(copies).Accepted(ctx, "monitor", []string{key}, 1)
	tm.Ingest(copies).Refused(ctx, "monitor", loop.CodeMalformed, 1)
	d := loop.Decision{ID: "d1", SignalKey: key, Key: "payload-4111", Effects: []loop.Effect{*landing("").Item.Effect}}
	tm.Decide().Decided(ctx, d, item)
	tm.Decide().Late(ctx, "checkout", key)
	tm.Decide().Quarantined(ctx, loop.Quarantine{Reason: loop.CodeRuleFailed, Detail: "payload-4111"}, item)
	tm.Decide().Retried(ctx, item, time.Second, errors.New("throttled"))
	tm.Decide().Batch(ctx, []loop.Item{item}, 1)
	for _, s := range []loop.Status{loop.StatusDone, loop.StatusParked} {
		tm.Act().Landed(ctx, landing(s))
		tm.Act().Retried(ctx, landing(s), time.Second)
	}
	end()
	for _, secret := range []string{"payload-4111", "url-token", "header-token", "Authorization", "ssm:/key", "shop/eu"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("a line holds %q", secret)
		}
	}
	for _, line := range out.take(t) {
		if line["_aws"] == nil && line["msg"] != "refused" && line["signalKey"] != key && line["signals"] == nil {
			t.Errorf("trace cannot find %v", line)
		}
	}
}

func TestOutsideOfAnInvocationNothingIsCountedAndNothingBreaks(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	tm.Ingest(copies).Accepted(t.Context(), "monitor", []string{key}, 2)
	tm.Act().Landed(t.Context(), landing(loop.StatusDone))
	tm.Logger().LogAttrs(t.Context(), slog.LevelError, "broken")
	if lines := out.take(t); len(lines) != 3 || lines[0]["requestID"] != nil {
		t.Errorf("lines %v", lines)
	}
}

// Canaries are nobody's effects: they are timed, and counted among none.
func TestCanariesAreTimedAndNotCounted(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	ctx, end := tm.StartBatch(invocation(t), []loop.Message{{SentAt: noon().Add(-time.Second)}})
	tm.Decide().Decided(ctx, loop.Decision{ID: "d", RuleID: loop.CanaryRule, Effects: []loop.Effect{{ID: "e"}}}, item)
	tm.Decide().Batch(ctx, []loop.Item{item}, 0)
	for _, status := range []loop.Status{loop.StatusDone, loop.StatusExpired} {
		l := landing(status)
		e := *l.Item.Effect
		e.Target = loop.TargetReceipt
		l.Item.Effect = &e
		tm.Act().Landed(ctx, l)
	}
	end()
	lines := out.take(t)
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, name := range []string{"Decided", "Delivered", "Expired", "EndToEndLatency", "LinkLatency"} {
		if _, ok := lines[0][name]; ok {
			t.Errorf("%s of canaries: %v", name, lines[0])
		}
	}
	if values, ok := lines[0]["CanaryLatency"].([]any); !ok || len(values) != 1 {
		t.Errorf("one canary came through: %v", lines[0])
	}
}

// A link is timed for whatever went over it but canaries: also where nothing came of it that is counted, as of a signal
// that a window keeps.
func TestLinksAreTimedWhereSignalsGo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		canaries, items, unmatched int
		timed                      bool
	}{
		"only canaries":            {2, 2, 0, false},
		"a signal that waits":      {0, 1, 0, true},
		"a canary and a signal":    {1, 2, 0, true},
		"a signal that none wants": {1, 2, 1, true},
	} {
		tm, out := start("")
		ctx, end := tm.StartBatch(invocation(t), []loop.Message{{SentAt: noon().Add(-time.Second)}})
		for range c.canaries {
			tm.Decide().Decided(ctx, loop.Decision{RuleID: loop.CanaryRule}, item)
		}
		tm.Decide().Batch(ctx, make([]loop.Item, c.items), c.unmatched)
		end()
		timed := false
		for _, l := range out.take(t) {
			timed = timed || l["LinkLatency"] != nil
		}
		if timed != c.timed {
			t.Errorf("%s: timed %v", name, timed)
		}
	}
}
