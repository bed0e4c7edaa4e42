package sim

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// A region is drained because a part of its chain does nothing, and the others salvage what is stranded: alone, with calls
// that fail and processes that die in between, and while the one that salvages is gone for a while. No promise is broken:
// what is moved is an ordinary redelivery, of class once, too.
func TestADrainedRegionIsSalvaged(t *testing.T) {
	t.Parallel()
	const drained = 20 * time.Minute
	for name, parts := range map[string][]Fault{
		"its inbox is not read":    {{Row: "13", Kind: Stop, Mode: loop.QueueInbox, For: 2 * drained}},
		"its decide is not called": {{Row: "13", Kind: Stop, Mode: loop.QueueSignals, For: 2 * drained}},
		"its act is not called":    {{Row: "13", Kind: Stop, Mode: loop.QueueActions, For: 2 * drained}},
	} {
		for more, others := range map[string][]Fault{
			"":                    nil,
			" and calls fail":     {{Row: "3", Kind: Fail, Point: AnyQueue, P: 0.3, For: drained}},
			" and the peer dies":  {{Row: "37", Kind: Kill, Region: regionB, At: 4 * time.Minute, For: 3 * time.Minute}},
			" and queues doubled": {{Row: "10", Kind: Doubled, P: 0.3, For: drained}},
		} {
			t.Run(name+more, func(t *testing.T) {
				t.Parallel()
				moved := 0
				for seed := range uint64(4) {
					p := NewPlan(seed)
					p.Faults = []Fault{{Row: "48", Kind: Drain, Region: regionA, At: time.Minute, For: drained}}
					for _, f := range parts {
						f.Region = regionA
						p.Faults = append(p.Faults, f)
					}
					p.Faults = append(p.Faults, others...)
					r := Run(p, Options{})
					if r.Failed() {
						t.Errorf("seed %d: %q", seed, r.Violations)
					}
					moved += r.Salvaged
				}
				if moved == 0 {
					t.Error("nothing was salvaged: this shows nothing")
				}
			})
		}
	}
}
