package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// now is what the region's own table says of it.
func (t *terminalOf) now(test *testing.T, table, name string) region.Entry {
	test.Helper()
	views, err := (region.Reader{Docs: t.cloud, Loop: []string{"us-east-2", "us-west-2"}}).Views(test.Context(), table)
	if err != nil {
		test.Fatal(err)
	}
	return views[name].Now(t.Now())
}

// tick makes the next order a newer one.
func (t *terminalOf) tick() {
	at := t.Now().Add(time.Second)
	t.Now = func() time.Time { return at }
}

func TestOperatorsDrainFreezeAndRestore(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	for _, step := range []struct {
		command string
		state   region.State
		pins    bool
	}{
		{"drain", region.Drained, true},
		{"freeze", region.Drained, true},
		{"unfreeze", region.Drained, false},
		{"restore", region.Active, false},
		{"freeze", region.Active, true},
	} {
		w.tick()
		out := w.must(t, step.command, "us-west-2", "--reason", "a drill\nof ours")
		if !strings.Contains(out, "us-west-2 is "+string(step.state)) || !strings.Contains(out, "arn:aws:iam::1:user/ann: a drill of ours") {
			t.Errorf("%s: %q", step.command, out)
		}
		for _, table := range []string{"us-east-2", "us-west-2"} {
			if e := w.now(t, table, "us-west-2"); e.State != step.state || e.Pins() != step.pins || e.By == "" {
				t.Errorf("%s: %s has %+v", step.command, table, e)
			}
		}
		if e := w.now(t, "us-east-2", "us-east-2"); e.Order != "" {
			t.Errorf("%s: the other region has %+v", step.command, e)
		}
	}
	if out := w.must(t, "status", "--json"); !strings.Contains(out, "frozen active, by arn:aws:iam::1:user/ann") {
		t.Errorf("status does not tell of it: %s", out)
	}
	trail, err := w.cloud.Query(t.Context(), "us-east-2", "audit#us-east-2")
	if err != nil || len(trail) != 5 {
		t.Errorf("%d of 5 orders are audited: %v, %v", len(trail), trail, err)
	}
}

func TestAnOrderReachesWhatAnswers(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.dead["us-west-2"] = true
	var out ordered
	if err := json.Unmarshal([]byte(w.must(t, "drain", "us-west-2", "--reason", "it is dead", "--json")), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Written) != 1 || out.Written[0] != "us-east-2" || out.Failed["us-west-2"] == "" || w.now(t, "us-east-2", "us-west-2").State != region.Drained {
		t.Errorf("%+v", out)
	}
	w.cloud.dead["us-east-2"] = true
	if code := w.run(t.Context(), "drain", "us-west-2", "--reason", "x", "-c", testLoop); code != exitUnreachable {
		t.Errorf("no table answers: exit %d", code)
	}
}

func TestTheLastActiveRegionIsNotDrained(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.must(t, "drain", "us-west-2", "--reason", "x")
	w.tick()
	if code := w.run(t.Context(), "drain", "us-east-2", "--reason", "x", "-c", testLoop); code != exitProblem || !strings.Contains(w.err.String(), "last active") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	if code := w.run(t.Context(), "drain", "eu-west-1", "--reason", "x", "-c", testLoop); code != exitUsage {
		t.Errorf("a region that is none: exit %d", code)
	}
	if code := w.run(t.Context(), "drain", "us-west-2", "-c", testLoop); code != exitUsage {
		t.Errorf("without a reason: exit %d", code)
	}
}
