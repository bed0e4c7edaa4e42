package sim

import (
	"fmt"
	"testing"
	"time"
)

// What seeds have found, as plans: a seed is another run once the drawing changes.

// Seed 728: two of three regions are gone for an hour, so nothing that needs a majority can be decided. What is tried
// again meanwhile must not start its timer again: every one of those would be tried again, too.
func TestAnHourWithoutAMajorityMultipliesNothing(t *testing.T) {
	t.Parallel()
	p := Plan{Seed: 728, Loop: []string{regionA, regionB}, Witness: regionC, Length: 10 * time.Minute}
	p.Faults = []Fault{
		{Row: "41", Kind: Kill, Region: regionC, At: time.Minute, For: time.Hour},
		{Row: "39", Kind: Kill, Region: regionA, At: 2 * time.Minute, For: time.Hour},
	}
	for i := range 4 {
		at := 2*time.Minute + time.Duration(i)*time.Second
		p.Signals = append(p.Signals, Planned{
			At: at, Time: at, Input: "loose", ID: fmt.Sprintf("s%d", i), Type: typeBeat, Subject: fmt.Sprintf("k%d", i), Data: `{"value":1}`,
			Regions: []string{regionB},
		})
	}
	r := Run(p, Options{})
	if r.Failed() {
		t.Error(r.Violations)
	}
	// A message is tried every 15 seconds on average, in fewer than 20 steps. There are eight: signals and timers.
	if most := 8 * 240 * 20; r.Steps > most {
		t.Errorf("%d steps; at most %d are expected", r.Steps, most)
	}
}

// Seed 1104: the region that had sent a once effect is gone for good, and nobody else has the signal. Its claim has not
// ended, so nothing has ended in silence.
func TestAClaimThatALostRegionHeldHasNotEndedInSilence(t *testing.T) {
	t.Parallel()
	p := Plan{Seed: 1104, Loop: []string{regionA, regionB, regionC}, Length: 10 * time.Minute}
	for nth := range 6 { // the effects of the signal; one of them is of class once
		p.Signals = []Planned{{Input: "local", ID: "s7", Type: typeAlert, Subject: "k0", Data: `{"value":3}`, Regions: []string{regionC}}}
		p.Faults = []Fault{{Row: "37", Kind: Kill, Region: regionC, Point: AfterSend, Nth: nth + 1}}
		if r := Run(p, Options{}); r.Failed() || r.Struck["37"] == 0 && nth < 4 {
			t.Errorf("at the send %d, struck %d times: %v", nth+1, r.Struck["37"], r.Violations)
		}
	}
}
