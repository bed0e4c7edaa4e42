package sim

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
)

func TestARunWithoutFaultsKeepsEveryPromise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
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
	for seed := range uint64(6) {
		a, b := Run(NewPlan(seed), Options{Trace: true}), Run(NewPlan(seed), Options{Trace: true})
		if a.Timeline != b.Timeline || a.Timeline == "" {
			t.Fatalf("seed %d runs in two ways", seed)
		}
	}
}

// A failing plan shrinks to the little that fails, and that fails in the same way, byte for byte.
func TestAFailureShrinksAndReplays(t *testing.T) {
	t.Parallel()
	broken := Options{Break: Mutant{Target: func(t act.Target) act.Target { return hopeful{t} }}}
	p := NewPlan(0)
	p.Faults = []Fault{{Row: "29", Kind: Targets, Mode: modeBefore500, P: 0.7, For: 10 * time.Minute}}
	small := Shrink(p, broken, 200)
	if len(small.Faults) > 1 || len(small.Signals) > 2 {
		t.Errorf("shrunk to %d faults and %d signals", len(small.Faults), len(small.Signals))
	}
	var a, b strings.Builder
	Explain(&a, small, broken)
	Explain(&b, small, broken)
	if a.String() != b.String() || !strings.Contains(a.String(), "BROKEN P1") {
		t.Errorf("explained as\n%s", a.String())
	}
}

func TestASeedGivesOnePlan(t *testing.T) {
	t.Parallel()
	if !reflect.DeepEqual(NewPlan(7), NewPlan(7)) || reflect.DeepEqual(NewPlan(7), NewPlan(8)) {
		t.Error("plans depend on something else than their seed, or not on it")
	}
}

// The millionfold run is `make sim`; this one is short. The effect is of class once at its target: any second request
// would be a second effect.
func TestDuplicateDeliveriesSendOnce(t *testing.T) {
	t.Parallel()
	if sent := Duplicates(20_000, 4); sent != 1 {
		t.Errorf("sent %d times", sent)
	}
}

// Each row alone: it strikes, and breaks no promise. `make sim` runs them combined, by the thousand.
func TestEachRowOfFaultsStrikesAndBreaksNothing(t *testing.T) {
	t.Parallel()
	for _, row := range rows() {
		t.Run(row.id, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(12) {
				p := NewPlan(seed)
				p.Health = row.watched
				p.Faults = row.faults(draw{random(seed, streamFaults), p})
				r := Run(p, Options{})
				if r.Failed() {
					t.Errorf("seed %d: %q", seed, r.Violations)
				}
				if r.Struck[row.id] > 0 {
					return
				}
			}
			t.Error("never struck")
		})
	}
}

func TestCombinedFaultsBreakNothing(t *testing.T) {
	t.Parallel()
	if total := Campaign(0, 40, 2, nil); len(total.Failed) > 0 {
		t.Errorf("seeds %v fail: `make sim SEED=%d` shows why", total.Failed, total.Failed[0])
	}
}

// One run, by seed from 0 on: `go test -run '^$' -bench Seed -benchmem -cpuprofile cpu.out ./internal/sim`.
func BenchmarkSeed(b *testing.B) {
	b.ReportAllocs()
	for seed := uint64(0); b.Loop(); seed++ {
		if r := Run(NewPlan(seed), Options{}); r.Failed() {
			b.Fatalf("seed %d: %q", seed, r.Violations)
		}
	}
}
