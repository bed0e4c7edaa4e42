package sim

import (
	"time"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// Result is what became of a run.
type Result struct {
	Plan       Plan
	Violations []string
	Timeline   string         // with Options.Trace
	Struck     map[string]int // row of FAULTS.md → how often it struck
	Simulated  time.Duration  // for how long signals came
	Steps      int
	Accepted   int
	Effects    int
	Requests   int           // that reached a target
	Left       time.Duration // what a region that is half dead took to be out of DNS; 0 where none was
	Returned   int           // how often a region came back to DNS
	Flips      int           // of regions' states
	Salvaged   int           // messages moved out of a region that was drained
	Slowest    time.Duration // landing, counted from the acceptance or the loss of a region; where P3 speaks
}

// Failed says whether a promise was broken.
func (r *Result) Failed() bool { return len(r.Violations) > 0 }

// Run runs a plan to its end and checks the promises.
func Run(p Plan, o Options) *Result {
	w := newWorld(p, o)
	for i := range p.Signals {
		w.produce(i)
	}
	for i := range p.Orders {
		w.obey(&p.Orders[i])
	}
	end := start.Add(p.Length)
	for i := range p.Faults {
		w.schedule(&p.Faults[i])
		if last := start.Add(p.Faults[i].At + p.Faults[i].For); last.After(end) {
			end = last
		}
	}
	// Effects expire and episodes forget; after that everything must have come to rest.
	settled := w.clock.run(end.Add(settle))
	for range 2 {
		if settled && w.redrive() > 0 {
			settled = w.clock.run(w.clock.now.Add(settle))
		}
	}
	w.tables.Replicate()
	if !settled {
		w.violate("P1", "the loop does not come to rest within %s after its last fault", settle)
	}
	w.check()
	w.clock.end()
	w.result.Timeline = w.timeline.String()
	w.result.Simulated, w.result.Steps = p.Length, w.clock.steps
	return w.result
}

// settle is longer than any expire_after, backoff and redelivery together.
const settle = 3 * time.Hour

// schedule plans what a fault does at a time of its own; those that strike at a call are asked there.
func (w *World) schedule(f *Fault) {
	switch f.Kind {
	case Kill:
		if f.Point == "" {
			w.clock.after(f.At, func() { w.result.Struck[f.Row]++; w.kill(f.Region, f) })
		}
	case Cut:
		w.clock.after(f.At, func() {
			w.result.Struck[f.Row]++
			w.log(f.Region, "FAULT %s cut off", f.Row)
			w.severed[f.Region] = true
		})
		w.clock.after(f.At+f.For, func() {
			w.log(f.Region, "FAULT %s reached again", f.Row)
			delete(w.severed, f.Region)
			w.tables.Replicate()
		})
	case Drain:
		w.salvages(f)
	case Unlinked:
		w.result.Struck[f.Row]++
		w.clock.after(f.At+f.For, w.tables.Replicate)
	default:
	}
}

// redrive is the operator who sends back what lies on dead-letter queues without a reason of its own (FAULTS 15).
func (w *World) redrive() (moved int) {
	for _, name := range w.plan.Loop {
		if w.down[name] {
			continue
		}
		for _, queue := range loop.Queues() {
			n := w.queues.Redrive(name, queue, func(body []byte) bool {
				return gjson.GetBytes(body, "quarantine").Exists() || gjson.GetBytes(body, "items.0.quarantine").Exists()
			})
			if n > 0 {
				w.result.Struck["15"]++
				w.log(name, "redrive %d of %s", n, queue)
			}
			moved += n
		}
	}
	return moved
}
