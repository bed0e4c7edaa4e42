package sim

import (
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
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

// Seed 4556: an older effect of class set was under way when the newest one landed, and so it stands. Who comes then, and
// is newer than that, is innocent.
func TestWhoFollowsOneThatWasUnderWayIsInnocent(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	request := func(id, fence string, began, landed int) mem.Request {
		return mem.Request{Effect: loop.Effect{ID: id, Fence: loop.Fence(fence), RuleID: "mark"}, Began: at(began), At: at(landed), Applied: true}
	}
	for _, c := range []struct {
		written []mem.Request
		broken  int
	}{
		{[]mem.Request{request("newest", "9", 2, 3), request("late", "1", 1, 4), request("next", "5", 10, 11)}, 0},
		{[]mem.Request{request("newest", "9", 2, 3), request("blind", "1", 4, 5), request("next", "5", 10, 11)}, 1},
	} {
		l := &ledger{World: &World{result: &Result{}}, claims: map[string]loop.Claim{}, written: map[string][]mem.Request{"dial": c.written}}
		for _, r := range c.written {
			l.claims[r.Effect.ID] = loop.Claim{Status: loop.StatusDone, Effect: loop.Effect{Class: loop.ClassSet}}
		}
		if l.resources(); len(l.result.Violations) != c.broken {
			t.Errorf("%d violations instead of %d: %v", len(l.result.Violations), c.broken, l.result.Violations)
		}
	}
}

// Seed 7339: what a parked effect led to was done by a region that was lost before its output was replicated. The peer's
// copy finds it done, and leaves the output in its region: an outcome that a standby copy tells of is a standby's.
func TestAnOutputThatAnOutcomeLedToSurvivesItsRegion(t *testing.T) {
	t.Parallel()
	p := Plan{Seed: 7339, Loop: []string{regionA, regionB}, Witness: regionC, Length: time.Minute}
	p.Signals = []Planned{{Input: "both", ID: "s0", Type: typePing, Subject: "k0", Data: "{}", Regions: []string{regionB}}}
	p.Faults = []Fault{{Row: "37", Kind: Kill, Region: regionB, Point: AfterCommit, Nth: 2}} // the first commit parks the ball
	if r := Run(p, Options{}); r.Failed() || r.Struck["37"] == 0 {
		t.Errorf("struck %d times: %v", r.Struck["37"], r.Violations)
	}
}
