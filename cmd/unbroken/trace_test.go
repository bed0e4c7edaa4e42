package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
)

const traceSource, traceID = "ci/checkout", "deploy-17"

var (
	traceKey    = loop.SignalKey(traceSource, traceID)
	traceEffID  = loop.EffectID(loop.SignalDecisionID(traceKey, "deploy-failed"), "rollback")
	traceEpisID = loop.EffectID("an episode", "page")
)

func logged(sec int, region, msg, rest string) string {
	return fmt.Sprintf(`{"time":"2026-03-04T05:00:%02d.5Z","level":"INFO","msg":%q,"region":%q,%s}`+"\n", sec, msg, region, rest)
}

func (w *terminalOf) log(region, function, text string) {
	w.cloud.logs[region+"|"+function] = append(w.cloud.logs[region+"|"+function], text)
}

func (w *terminalOf) claim(id, rule, step string, status loop.Status, evidence string) {
	w.cloud.claimed[id] = loop.Claim{
		EffectID: id, Status: status, Owner: "us-east-2/abc", Evidence: evidence, Attempt: 1,
		UpdatedAt: time.Date(2026, 3, 4, 5, 0, 9, 0, time.UTC), Effect: loop.Effect{RuleID: rule, Step: step},
	}
}

func (w *terminalOf) trace(t *testing.T, args ...string) int {
	t.Helper()
	return w.run(t.Context(), append([]string{"trace", "-c", testLoop}, args...)...)
}

func TestTraceTellsTheWholeStory(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.log("us-east-2", "ingest-http", logged(1, "us-east-2", "accepted", `"input":"default","copies":2,"signals":["x","`+traceKey+`"]`))
	w.log("us-east-2", "decide", logged(2, "us-east-2", "decided", `"signalKey":"`+traceKey+`","rule":"deploy-failed","phase":"do","effects":["`+traceEffID+`"]`))
	w.log("us-west-2", "decide", logged(30, "us-west-2", "decided", `"signalKey":"`+traceKey+`","rule":"deploy-failed","phase":"do","standby":true,"effects":["`+traceEffID+`"]`))
	w.log("us-east-2", "act", logged(3, "us-east-2", "retried", `"signalKey":"`+traceKey+`","rule":"deploy-failed","effectID":"`+traceEffID+`","attempt":1,"evidence":"503"`))
	w.log("us-east-2", "act", "2026-03-04T05:00:09Z\t"+logged(8, "us-east-2", "landed", `"signalKey":"`+traceKey+`","rule":"deploy-failed","effectID":"`+traceEffID+`","status":"done","evidence":"200"`))
	w.log("us-east-2", "act", `END RequestId `+traceKey+` is no line of ours`)
	w.log("us-east-2", "act", logged(9, "us-east-2", "landed", `"signalKey":"another","cause":"`+traceKey+`"`))
	w.claim(traceEffID, "deploy-failed", "rollback", loop.StatusDone, "200")
	if code := w.trace(t, traceID, "--source", traceSource); code != exitOK {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	golden(t, "trace", w.out.String())
	byKey := newTerminal()
	byKey.cloud = w.cloud
	if byKey.trace(t, traceKey); byKey.out.String() != w.out.String() {
		t.Error("the key tells another story than source and id")
	}
}

// The claims of stateless rules are found without any log.
func TestTraceFindsClaimsWithoutLogs(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.claim(traceEffID, "deploy-failed", "rollback", loop.StatusParked, "410 Gone")
	if code := w.trace(t, traceID, "--source", traceSource); code != exitOK || !strings.Contains(w.out.String(), "ended: deploy-failed/rollback parked") {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
}

func TestTraceClaimsNoMoreThanItSaw(t *testing.T) {
	t.Parallel()
	accepted := logged(1, "us-east-2", "accepted", `"input":"default","copies":1,"signals":["`+traceKey+`"]`)
	decided := logged(2, "us-east-2", "decided", `"signalKey":"`+traceKey+`","rule":"cpu","phase":"do","effects":["`+traceEpisID+`"]`)
	for name, c := range map[string]struct {
		function, line string
		status         loop.Status
		state, says    string
		code           int
	}{
		"nothing":     {"decide", "", "", stateUnknown, "the logs are not there yet", exitProblem},
		"accepted":    {"ingest-http", accepted, "", stateOpen, "no rule matched, or", exitOK},
		"not claimed": {"decide", decided, "", stateOpen, "not claimed yet", exitOK},
		"claimed":     {"decide", decided, loop.StatusClaimed, stateOpen, "cpu/page under way", exitOK},
		"superseded":  {"decide", decided, loop.StatusSuperseded, stateTerminal, "cpu/page superseded", exitOK},
		"quarantined": {"decide", logged(2, "us-east-2", "quarantined", `"signalKey":"`+traceKey+`","rule":"cpu","reason":"rule_failed","stage":"decide"`), "", stateTerminal, "cpu quarantined: rule_failed", exitOK},
		"late":        {"decide", logged(2, "us-east-2", "late", `"signalKey":"`+traceKey+`","rule":"cpu"`), "", stateTerminal, "cpu suppressed: late", exitOK},
		"retried":     {"decide", logged(2, "us-east-2", "retried", `"signalKey":"`+traceKey+`","cause":"throttled"`), "", stateOpen, "under way", exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTerminal()
			w.log("us-west-2", c.function, c.line)
			if c.status != "" {
				w.claim(traceEpisID, "cpu", "page", c.status, "")
			}
			if code := w.trace(t, traceKey, "--json"); code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			var got trace
			if err := json.Unmarshal(w.out.Bytes(), &got); err != nil || got.State != c.state || !strings.Contains(got.Summary, c.says) {
				t.Errorf("%v: %s: %s", err, got.State, got.Summary)
			}
		})
	}
}

func TestTraceWhileARegionIsDead(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.dead["us-east-2"] = true
	w.log("us-west-2", "decide", logged(30, "us-west-2", "decided", `"signalKey":"`+traceKey+`","rule":"deploy-failed","phase":"do","standby":true,"effects":["`+traceEffID+`"]`))
	w.claim(traceEffID, "deploy-failed", "rollback", loop.StatusDone, "")
	if code := w.trace(t, traceKey); code != exitOK || !strings.Contains(w.out.String(), "ended: deploy-failed/rollback done") ||
		!strings.Contains(w.out.String(), "not known: log of decide in us-east-2") {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	w = newTerminal()
	w.cloud.dead["us-east-2"], w.cloud.dead["us-west-2"] = true, true
	if code := w.trace(t, traceKey); code != exitUnreachable {
		t.Errorf("exit %d with all regions dead", code)
	}
}

func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTerminal()
		w.cloud.dead["swallow us-east-2"] = true
		w.claim(traceEffID, "deploy-failed", "rollback", loop.StatusDone, "")
		start := time.Now()
		code := w.trace(t, traceKey)
		if took := time.Since(start); code != exitOK || took != searchTimeout+callTimeout {
			t.Errorf("exit %d after %s: %s", code, took, w.out.String())
		}
	})
}

func TestTraceReadsABoundedNumberOfClaims(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	ids := make([]string, maxEffects+50)
	for i := range ids {
		ids[i] = fmt.Sprintf("%q", fmt.Sprint("effect-", i))
	}
	w.log("us-east-2", "decide", logged(1, "us-east-2", "decided", `"signalKey":"`+traceKey+`","rule":"cpu","effects":[`+strings.Join(ids, ",")+`]`))
	w.trace(t, traceKey, "--json")
	var got trace
	if err := json.Unmarshal(w.out.Bytes(), &got); err != nil || len(got.Effects) != maxEffects || len(got.Missing) != 1 {
		t.Errorf("%v: %d effects, missing %v", err, len(got.Effects), got.Missing)
	}
}

func TestTheSameAgainIsOneLine(t *testing.T) {
	t.Parallel()
	at := func(sec int, what string) traceEvent {
		return traceEvent{At: testNow.Add(time.Duration(sec) * time.Second), What: what, Detail: "do"}
	}
	got := collapse([]traceEvent{at(0, "accepted"), at(1, "decided"), at(2, "decided"), at(9, "decided"), at(10, "claim"), at(11, "decided")})
	if len(got) != 4 || got[1].Detail != "do (3 times, until 05:06:16)" || got[3].Detail != "do" || !got[1].At.Equal(testNow.Add(time.Second)) {
		t.Errorf("%+v", got)
	}
}

func TestOnlyAKeyNeedsNoSource(t *testing.T) {
	t.Parallel()
	for id, ok := range map[string]bool{traceKey: true, "deploy-17": false, strings.ToUpper(traceKey): false, traceKey + "0": false} {
		if _, err := (traceCmd{ID: id}).key(); (err == nil) != ok {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestTraceSaysWhatSuppressedAnEffect(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	for _, evidence := range []string{"silence: s-1 by ann, rule=r until 2026-03-04T06:00:00Z: upgrade", "shadow: the rule's mode is shadow", "killed: the rule was stopped by ann: x"} {
		key := strings.Repeat("5", 64)
		id := loop.EffectID(loop.SignalDecisionID(key, "deploy-failed"), "rollback")
		w.cloud.claimed[id] = loop.Claim{
			EffectID: id, Status: loop.StatusSuppressed, Owner: "us-east-2/1", Token: 1, UpdatedAt: testNow, Evidence: evidence,
			Effect: loop.Effect{ID: id, RuleID: "deploy-failed", Step: "rollback"},
		}
		if out := w.must(t, "trace", key); !strings.Contains(out, "suppressed: "+evidence) || !strings.Contains(out, "deploy-failed/rollback suppressed") {
			t.Errorf("the story does not say why:\n%s", out)
		}
	}
}
