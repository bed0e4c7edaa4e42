package sim

import (
	"testing"
)

func TestARunWithoutFaultsKeepsEveryPromise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		p := NewPlan(seed)
		p.Faults = nil
		r := Run(p, Options{})
		if r.Failed() {
			t.Fatalf("seed %d: %q", seed, r.Violations)
		}
		if seed == 0 {
			t.Logf("%d steps, %d accepted, %d effects, %d requests, slowest %s", r.Steps, r.Accepted, r.Effects, r.Requests, r.Slowest)
		}
	}
}

func TestASeedReplaysByteForByte(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		a, b := Run(NewPlan(seed), Options{Trace: true}), Run(NewPlan(seed), Options{Trace: true})
		if a.Timeline != b.Timeline || a.Timeline == "" {
			t.Fatalf("seed %d runs in two ways", seed)
		}
	}
}

func TestDrawnFaultsBreakNoPromise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		if r := Run(NewPlan(seed), Options{}); r.Failed() {
			t.Errorf("seed %d: %q %v", seed, r.Violations, r.Plan.Faults)
		}
	}
}
