package main

import (
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

const loopName = "loop.example.com"

// flipped is what observers write of us-west-2.
func (t *terminalOf) flipped(s region.State, at time.Time) {
	for _, table := range []string{east, west} {
		t.cloud.put(table, region.StateKey(west), "us-east-1", region.Entry{State: s, Since: at, By: "us-east-1", Why: "endpoint"})
	}
}

// heard lets every observer speak at the time.
func (t *terminalOf) heard(at time.Time) {
	for _, table := range []string{east, west} {
		for _, name := range []string{east, west} {
			for _, observer := range []string{east, west, "us-east-1"} {
				t.cloud.put(table, region.VerdictKey(name), observer, region.Verdict{At: at, Healthy: true, Since: at})
			}
		}
	}
}

// What the control plane was told is known until it is told otherwise, whatever observers flip meanwhile.
func TestThatTheControlPlaneTookARegionOutOutlivesAFlip(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", west, "--reason", "x", "--control-plane", loopName)
	w.tick()
	w.must(t, "restore", west, "--reason", "x")
	w.later(10 * time.Minute)
	w.heard(w.Now())
	w.flipped(region.Drained, w.Now())
	if out := w.must(t, "status"); !strings.Contains(out, "us-west-2 is left out of DNS by the control plane, until unbroken restore us-west-2 --control-plane "+loopName) {
		t.Errorf("status does not tell: %s", out)
	}
	for range 2 { // whoever restores is told
		w.tick()
		w.err.Reset()
		w.must(t, "restore", west, "--reason", "x")
		if !strings.Contains(w.err.String(), "DNS still leaves us-west-2 out") {
			t.Errorf("not told: %s", w.err.String())
		}
	}
	w.tick()
	w.err.Reset()
	w.must(t, "restore", west, "--reason", "x", "--control-plane", loopName)
	if out := w.must(t, "status"); w.err.Len() > 0 || strings.Contains(out, "left out of DNS") || w.cloud.names[loopName+"|"+west] != "in" {
		t.Errorf("it is back, and: %s%s", w.err.String(), out)
	}
}

func TestWhatTheControlPlaneDidNotDoIsNotForgotten(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", west, "--reason", "x", "--control-plane", loopName)
	w.tick()
	w.cloud.dead["us-east-1"] = true
	w.err.Reset()
	code := w.run(t.Context(), "restore", west, "--reason", "x", "--control-plane", loopName, "-c", testLoop)
	if code != exitUnreachable || !strings.Contains(w.err.String(), "control plane did not") || !strings.Contains(w.err.String(), "DNS still leaves us-west-2 out") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	if e := w.now(t, east, west); e.State != region.Active || e.ControlPlane != loopName {
		t.Errorf("it is to be restored, and the name known: %+v", e)
	}
	w.tick()
	w.cloud.dead["us-east-1"] = false
	w.must(t, "restore", west, "--reason", "x", "--control-plane", "another.example.com")
	if e := w.now(t, east, west); e.ControlPlane != loopName {
		t.Errorf("another name ends nothing: %+v", e)
	}
}
