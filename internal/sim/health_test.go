package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// watchedPlan has signals of every kind until its last fault is over, and health.
func watchedPlan(loop []string, witness string, faults ...Fault) Plan {
	last := faults[len(faults)-1]
	p := Plan{Seed: 42, Loop: loop, Witness: witness, Length: last.At + last.For, Health: true, Faults: faults}
	p.Signals = drawSignals(random(p.Seed, streamSignals), p)
	return p
}

func topologies(t *testing.T, run func(t *testing.T, loop []string, witness string)) {
	t.Helper()
	for _, witness := range []string{regionC, ""} {
		loop := []string{regionA, regionB}
		if witness == "" {
			loop = append(loop, regionC)
		}
		t.Run(fmt.Sprintf("%d loop regions", len(loop)), func(t *testing.T) {
			t.Parallel()
			run(t, loop, witness)
		})
	}
}

// FAULTS 42 and 44: a monitor that is dead, blind or a liar flips nothing, and neither do all that are dead.
func TestMonitorsThatFailFlipNothing(t *testing.T) {
	t.Parallel()
	topologies(t, func(t *testing.T, loop []string, witness string) {
		t.Helper()
		faults := []Fault{{Row: "42", Kind: Observer, Mode: observerDead}}
		for _, region := range []string{regionA, regionB, regionC} {
			faults = append(faults, Fault{Row: "42", Kind: Observer, Mode: observerDead, Region: region},
				Fault{Row: "42", Kind: Observer, Mode: observerLies, Region: region}, Fault{Row: "44", Kind: Blind, Region: region})
		}
		for _, f := range faults {
			f = f.lasting(2*time.Minute, 8*time.Minute)
			if r := Run(watchedPlan(loop, witness, f), Options{}); r.Failed() || r.Flips > 0 || r.Returned > 0 || r.Struck[f.Row] == 0 {
				t.Errorf("%s: %d flips, struck %d times, %v", f, r.Flips, r.Struck[f.Row], r.Violations)
			}
		}
		// Two liars are more than is borne, and the checks see it: all regions leave DNS, and so all are answered.
		lie := Fault{Kind: Observer, Mode: observerLies, Region: regionA}.lasting(2*time.Minute, 8*time.Minute)
		other := lie
		other.Region = regionB
		if r := Run(watchedPlan(loop, witness, lie, other), Options{}); !slices.ContainsFunc(r.Violations, func(v string) bool { return strings.HasPrefix(v, "P5") }) {
			t.Errorf("two liars, and nobody noticed: %v", r.Violations)
		}
	})
}

// FAULTS 43: a region that answers and does nothing is out of DNS in time, and comes back; nothing is lost or doubled.
func TestAHalfDeadRegionLeavesDNSAndReturns(t *testing.T) {
	t.Parallel()
	topologies(t, func(t *testing.T, loop []string, witness string) {
		t.Helper()
		var slowest time.Duration
		for i, f := range halfDead(loop[1]) {
			f.Row = "43"
			f = f.lasting(4*time.Minute+time.Duration(i)*7*time.Second, 10*time.Minute)
			r := Run(watchedPlan(loop, witness, f), Options{})
			if r.Failed() || r.Left == 0 || r.Returned != 1 || r.Flips != 2 {
				t.Errorf("%s: left after %s, returned %d times, %d flips, %v", f, r.Left, r.Returned, r.Flips, r.Violations)
			}
			slowest = max(slowest, r.Left)
			// It does not take an observer, and a liar does not keep it or take another one.
			for _, o := range []Fault{{Mode: observerDead}, {Mode: observerLies, Region: loop[0]}} {
				o.Row, o.Kind = "42", Observer
				r := Run(watchedPlan(loop, witness, o.lasting(time.Minute, 14*time.Minute), f), Options{})
				if r.Failed() || r.Left == 0 || r.Returned != 1 {
					t.Errorf("%s, and %s: left after %s, returned %d times, %v", f, o.Mode, r.Left, r.Returned, r.Violations)
				}
				slowest = max(slowest, r.Left)
			}
		}
		t.Logf("out of DNS within %s", slowest)
	})
}
