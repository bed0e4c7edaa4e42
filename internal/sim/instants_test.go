package sim

import (
	"fmt"
	"testing"
	"time"
)

// storm is signals of every kind that come to one region within two seconds, so that each instant is met.
func storm(regions []string, into string) (all []Planned) {
	add := func(typ, subject, data string) {
		n := len(all)
		at := time.Duration(n) * 40 * time.Millisecond
		all = append(all, Planned{
			At: at, Time: at, Input: "both", ID: fmt.Sprintf("s%d", n), Type: typ, Subject: subject, Data: data,
			Regions: append([]string{into}, regions...),
		})
	}
	for i := range 8 {
		add(typeAlert, fmt.Sprintf("a%d", i), `{"value":2}`)
		add(typeMetric, "m", `{"value":1}`)
		add(typeLevel, fmt.Sprintf("l%d", i), `{"value":9}`)
		add(typeOdd, fmt.Sprintf("o%d", i), `{"size":1}`)
	}
	for i := range 8 {
		add(typeLevel, fmt.Sprintf("l%d", i), `{"value":1}`)
	}
	return all
}

// FAULTS 37: a region disappears, with its disks and for ever, at each of the six instants. Nothing is lost, nothing
// is doubled, and what was in flight is done within the standby delay and five seconds.
func TestARegionDisappearsAtEachOfTheSixInstants(t *testing.T) {
	t.Parallel()
	for _, topology := range []Plan{
		{Loop: []string{regionA, regionB}, Witness: regionC},
		{Loop: []string{regionA, regionB, regionC}},
	} {
		for _, region := range topology.Loop {
			for _, instant := range instants() {
				t.Run(fmt.Sprintf("%d loop regions/%s/%s", len(topology.Loop), region, instant), func(t *testing.T) {
					t.Parallel()
					var slowest time.Duration
					for _, nth := range []int{1, 9} {
						for seed := range uint64(1) {
							p := topology
							p.Seed, p.Length, p.Signals = seed, time.Minute, storm(p.Loop, region)
							p.Faults = []Fault{{Row: "37", Kind: Kill, Region: region, Point: instant, Nth: nth, Mode: "lost"}}
							r := Run(p, Options{})
							if r.Struck["37"] != 1 {
								t.Fatalf("instant %d of seed %d never came", nth, seed)
							}
							if r.Failed() {
								t.Errorf("nth %d seed %d: %q", nth, seed, r.Violations)
							}
							slowest = max(slowest, r.Slowest)
						}
					}
					t.Logf("resumed within %s", slowest)
				})
			}
		}
	}
}
