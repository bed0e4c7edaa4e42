package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/observe"
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
	w := healthy(t)
	for _, step := range []struct {
		command string
		state   region.State
		pins    bool
	}{
		{"drain", region.Drained, true},
		{"restore", region.Active, false},
		{"freeze", region.Active, true},
		{"unfreeze", region.Active, false},
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
	w := healthy(t)
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

func TestTheLastRegionThatTakesSignalsIsNotDrained(t *testing.T) {
	t.Parallel()
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(ill.Close)
	for name, c := range map[string]struct {
		other func(w *terminalOf)
		says  string
	}{
		"the other is drained": {func(w *terminalOf) { w.must(t, "drain", "us-west-2", "--reason", "x"); w.tick() }, "us-west-2 is drained"},
		"it answers 503":       {func(w *terminalOf) { w.cloud.announce("us-west-2", ill.URL) }, "us-west-2 is unavailable"},
		"it does not answer":   {func(w *terminalOf) { w.cloud.announce("us-west-2", "http://127.0.0.1:1") }, "us-west-2 is unreachable"},
		"nobody knows where":   {func(w *terminalOf) { w.cloud.announce("us-west-2", "") }, "us-west-2 is unknown"},
	} {
		w := healthy(t)
		c.other(w)
		if code := w.run(t.Context(), "drain", "us-east-2", "--reason", "x", "-c", testLoop); code != exitProblem || !strings.Contains(w.err.String(), c.says) || !strings.Contains(w.err.String(), "--force") {
			t.Errorf("%s: exit %d: %s", name, code, w.err.String())
		}
		if e := w.now(t, "us-east-2", "us-east-2"); e.State != region.Active {
			t.Errorf("%s: drained all the same: %+v", name, e)
		}
		w.must(t, "drain", "us-east-2", "--reason", "x", "--force")
		if e := w.now(t, "us-east-2", "us-east-2"); e.State != region.Drained {
			t.Errorf("%s: not drained by force: %+v", name, e)
		}
		// It is drained: to say so again takes nothing away.
		w.tick()
		w.must(t, "drain", "us-east-2", "--reason", "y")
	}
	w := healthy(t)
	if code := w.run(t.Context(), "drain", "eu-west-1", "--reason", "x", "-c", testLoop); code != exitUsage {
		t.Errorf("a region that is none: exit %d", code)
	}
	if code := w.run(t.Context(), "drain", "us-west-2", "-c", testLoop); code != exitUsage {
		t.Errorf("without a reason: exit %d", code)
	}
}

// What was done by the control plane is told to whoever restores, however many orders later.
func TestTheControlPlaneIsAskedOnlyWhereItIsNamed(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	const domain = "loop.example.com"
	w.must(t, "drain", "us-west-2", "--reason", "x")
	if len(w.cloud.names) > 0 {
		t.Fatalf("a drain asked Route 53: %v", w.cloud.names)
	}
	w.tick()
	if out := w.must(t, "drain", "us-west-2", "--reason", "x", "--control-plane", domain); w.cloud.names[domain+"|us-west-2"] != "out" || !strings.Contains(out, "unbroken restore us-west-2 --control-plane "+domain) {
		t.Errorf("%v: %s", w.cloud.names, out)
	}
	w.tick()
	w.must(t, "restore", "us-west-2", "--reason", "x")
	w.tick()
	w.must(t, "freeze", "us-west-2", "--reason", "x")
	w.tick()
	w.err.Reset()
	w.must(t, "restore", "us-west-2", "--reason", "x")
	if !strings.Contains(w.err.String(), "--control-plane "+domain) || w.cloud.names[domain+"|us-west-2"] != "out" {
		t.Errorf("%v: %s", w.cloud.names, w.err.String())
	}
	w.tick()
	w.must(t, "restore", "us-west-2", "--reason", "x", "--control-plane", domain)
	if e := w.now(t, "us-east-2", "us-west-2"); w.cloud.names[domain+"|us-west-2"] != "in" || e.ControlPlane != "" {
		t.Errorf("%v, %+v", w.cloud.names, e)
	}
	trail, _ := w.cloud.Query(t.Context(), "us-east-2", "audit#us-east-2")
	if all := fmt.Sprintf("%s", trail); strings.Count(all, domain) != 4 {
		t.Errorf("audited: %s", all)
	}
}

// The last resort does not wait for tables, and each half is done without the other.
func TestTheControlPlaneNeedsNoTableAndTablesNoControlPlane(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	for _, table := range []string{"us-east-2", "us-west-2"} {
		w.cloud.dead[table] = true
	}
	args := []string{"drain", "us-west-2", "--reason", "x", "--control-plane", "d", "-c", testLoop}
	for name, url := range w.urls() {
		args = append(args, "--endpoint", name+"="+url)
	}
	if code := w.run(t.Context(), args...); code != exitUnreachable || w.cloud.names["d|us-west-2"] != "out" || !strings.Contains(w.err.String(), "no table") {
		t.Errorf("exit %d, %v: %s", code, w.cloud.names, w.err.String())
	}
	w = healthy(t)
	w.cloud.dead["us-east-1"] = true
	if code := w.run(t.Context(), args...); code != exitUnreachable || !strings.Contains(w.err.String(), "control plane did not") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	if e := w.now(t, "us-east-2", "us-west-2"); e.State != region.Drained {
		t.Errorf("%+v", e)
	}
}

// urls are those that the regions announced.
func (t *terminalOf) urls() map[string]string {
	all := map[string]string{}
	for _, name := range []string{"us-east-2", "us-west-2"} {
		var e observe.Endpoint
		if json.Unmarshal(t.cloud.docs[name+"|"+observe.EndpointKey(name)+"|"+observe.EndpointSort], &e) == nil {
			all[name] = e.URL
		}
	}
	return all
}
