package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// stored is the record as every region sees it.
func (t *terminalOf) stored(test *testing.T) loop.Controls {
	test.Helper()
	c, err := t.cloud.record.In("us-east-2").Load(test.Context())
	if err != nil {
		test.Fatal(err)
	}
	return c
}

func (t *terminalOf) must(test *testing.T, args ...string) string {
	test.Helper()
	t.out.Reset()
	t.err.Reset()
	if code := t.run(test.Context(), append(args, "-c", testLoop)...); code != exitOK {
		test.Fatalf("%q: exit %d: %s", args, code, t.err.String())
	}
	return t.out.String()
}

func TestASilenceIsAddedListedAndEnded(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	said := w.must(t, "silence", "add", "--match", "rule=checkout", "--match", "key=shop/*", "--for", "2h", "--reason", "database upgrade")
	s := w.stored(t).Silences[0]
	if s.By != "arn:aws:iam::1:user/ann" || !s.From.Equal(testNow.Add(loop.SilenceLead)) || !s.Until.Equal(s.From.Add(2*time.Hour)) || len(s.Match) != 2 || !strings.HasPrefix(said, s.ID) {
		t.Errorf("said %q, stored %+v", said, s)
	}
	w.must(t, "silence", "add", "--match", "action!=page", "--from", "2026-03-07T22:00:00Z", "--until", "2026-03-08T02:00:00Z", "--reason", "maintenance")
	w.must(t, "kill", "checkout", "--reason", "it sheds\neverything")
	golden(t, "silence list", w.must(t, "silence", "list"))
	var listed struct {
		Silences []listedSilence
		Kills    []loop.Kill
		Changes  []loop.Audit
	}
	if err := json.Unmarshal([]byte(w.must(t, "silence", "list", "--json")), &listed); err != nil || len(listed.Silences) != 2 || listed.Silences[1].State != "coming" || len(listed.Kills) != 1 || len(listed.Changes) != 3 {
		t.Errorf("%v: %s", err, w.out.String())
	}
	for range 2 { // run again, it changes nothing
		if said := w.must(t, "silence", "end", s.ID); !strings.Contains(said, "ends 2026-03-04 05:06:12Z") {
			t.Errorf("said %q", said)
		}
	}
	w.Now = func() time.Time { return testNow.Add(time.Minute) }
	if out := w.must(t, "silence", "list"); strings.Contains(out, s.ID) {
		t.Errorf("listed though ended: %s", out)
	}
	if out := w.must(t, "silence", "list", "--ended"); !strings.Contains(out, s.ID+"  ended") {
		t.Errorf("not listed: %s", out)
	}
	if code := w.run(t.Context(), "silence", "end", "s-none", "-c", testLoop); code != exitProblem {
		t.Errorf("ended what is not there: exit %d", code)
	}
}

func TestSilencesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"rule, key, action, step":   {"--match", "rul=x", "--for", "1h"},
		"like rule=checkout-errors": {"--match", "rule", "--for", "1h"},
		"--for, or until when":      {"--match", "rule=x"},
		"is not a duration":         {"--match", "rule=x", "--for", "soon"},
		"30 days at most":           {"--match", "rule=x", "--for", "31d"},
		"before it begins":          {"--match", "rule=x", "--until", "2026-03-04T05:06:07Z"},
		"leave --from out":          {"--match", "rule=x", "--from", "2026-03-04T05:06:08Z", "--for", "1h"},
		"2026-03-07T22:00:00Z":      {"--match", "rule=x", "--from", "tomorrow", "--for", "1h"},
		"--match":                   {"--for", "1h"},
	} {
		w := newTerminal()
		code := w.run(t.Context(), append([]string{"silence", "add", "-c", testLoop, "--reason", "x"}, args...)...)
		if code != exitUsage || !strings.Contains(w.err.String(), says) || w.stored(t).Rev != 0 {
			t.Errorf("%q: exit %d: %s", args, code, w.err.String())
		}
	}
}

func TestAKillSwitchGoesOnAndOff(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	for range 2 { // run again, it changes nothing
		if said := w.must(t, "kill", "--all", "--reason", "drill"); said != "all rules: stopped by arn:aws:iam::1:user/ann, now: drill\n" {
			t.Errorf("said %q", said)
		}
	}
	w.must(t, "kill", "other", "--reason", "x")
	if !strings.Contains(w.err.String(), "has no rule other") {
		t.Errorf("a rule that nobody knows is stopped in silence: %q", w.err.String())
	}
	if c := w.stored(t); len(c.Kills) != 2 || c.Kills[0].Scope != loop.ScopeAll || c.Rev != 2 {
		t.Errorf("stored %+v", c)
	}
	if said := w.must(t, "revive", "other"); !strings.Contains(said, "all rules: still stopped") {
		t.Errorf("said %q", said)
	}
	if code := w.run(t.Context(), "revive", "other", "-c", testLoop); code != exitProblem {
		t.Errorf("revived what lives: exit %d", code)
	}
	w.must(t, "revive", "--all", "--json")
	if c := w.stored(t); len(c.Kills) != 0 || len(c.Log) != 4 {
		t.Errorf("stored %+v", c)
	}
	for _, args := range [][]string{{"kill", "--reason", "x"}, {"kill", "a", "--all", "--reason", "x"}, {"kill", "*", "--reason", "x"}, {"kill", "a"}, {"revive"}} {
		if code := w.run(t.Context(), append(args, "-c", testLoop)...); code != exitUsage {
			t.Errorf("%q: exit %d", args, code)
		}
	}
}

// The switch must work when a region is gone, and when the answer is: the same command is one change.
func TestAKillSwitchNeedsOneRegionOnly(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"us-east-2", "deaf us-east-2"} {
		w := newTerminal()
		w.cloud.dead[fault] = true
		w.must(t, "kill", "checkout", "--reason", "x")
		w.must(t, "silence", "add", "--match", "rule=x", "--for", "1h", "--reason", "x")
		if c := w.stored(t); len(c.Kills) != 1 || len(c.Silences) != 1 || len(c.Log) != 2 {
			t.Errorf("%s: stored %+v", fault, c)
		}
	}
	w := newTerminal()
	w.cloud.dead["us-east-2"], w.cloud.dead["us-west-2"] = true, true
	for _, args := range [][]string{{"kill", "a", "--reason", "x"}, {"silence", "list"}} {
		if code := w.run(t.Context(), append(args, "-c", testLoop)...); code != exitUnreachable {
			t.Errorf("%q: exit %d", args, code)
		}
	}
}

func TestWhatWaitsIsApprovedAndNotRetried(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	c := w.park("a1", "r", time.Hour)
	c.Effect.Approval = true
	w.cloud.claimed[c.EffectID] = c
	if code := w.run(t.Context(), "parked", "retry", c.EffectID, "-c", testLoop); code != exitProblem || !strings.Contains(w.out.String(), "unbroken approve") {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	for range 2 { // it died in between, and is run again
		w.must(t, "approve", c.EffectID, "--why", "checked")
	}
	got := w.cloud.claimed[c.EffectID]
	if got.Status != loop.StatusClaimed || got.Token != 4 || got.ApprovedBy != "arn:aws:iam::1:user/ann" || len(got.Audit) != 1 || got.Audit[0].What != "approved: checked" {
		t.Errorf("stored %+v", got)
	}
	if sent := w.cloud.sent["us-east-2|"+loop.QueueActions]; len(sent) != 2 {
		t.Errorf("%d messages", len(sent))
	}
	other := w.park("b2", "r", time.Hour)
	if code := w.run(t.Context(), "approve", other.EffectID, "-c", testLoop); code != exitProblem {
		t.Errorf("approved what does not wait: exit %d", code)
	}
	if code := w.run(t.Context(), "approve", "-c", testLoop); code != exitUsage {
		t.Errorf("approved nothing: exit %d", code)
	}
	got.Status = loop.StatusDone
	w.cloud.claimed[c.EffectID] = got
	if out := w.must(t, "approve", c.EffectID); !strings.Contains(out, "was approved already, and is done") {
		t.Errorf("said %s", out)
	}
}
