package sim

import (
	"errors"
	"time"

	"example.com/unbroken/internal/mem"
)

// Errors of the simulated network. To a caller they say nothing but that the call has no good answer.
var (
	errGone        = errors.New("the process is gone")
	errUnreachable = errors.New("unreachable")
	errNoQuorum    = errors.New("no majority of regions")
	errRefused     = errors.New("throttled")
	errConflict    = errors.New("ReplicatedWriteConflictException: retry")
	errLost        = errors.New("the answer was lost")
)

// hook sees every call of every service, before and after. It lets time pass, so that others go on between any two
// steps of a handler, and it is where faults strike.
func (w *World) hook(op mem.Op) error {
	t := w.clock.running
	switch {
	case t == nil:
		return nil // the books are read from outside
	case t.dead:
		return errGone
	}
	if op.When == mem.Before {
		w.clock.wait(w.latency(op))
		if t.dead {
			return errGone
		}
		if !w.reaches(op.From, op.Region) {
			return errUnreachable
		}
		if err := w.quorum(op); err != nil {
			return err
		}
	}
	w.note(t, op)
	if op.When == mem.After && op.Service == "claims" {
		switch op.Name {
		case "Open", "Swap", "Unpark":
			w.watch.changed(op)
		case "Store":
			w.watch.ordered()
		}
	}
	if err := w.strike(t, op); err != nil {
		return err
	}
	if op.When == mem.After {
		w.clock.wait(w.latency(op) / 2)
		if t.dead {
			return errGone
		}
	}
	return nil
}

func (w *World) latency(op mem.Op) time.Duration {
	base := 4 * time.Millisecond
	if op.From != op.Region {
		base = 40 * time.Millisecond
	}
	if op.Service == "claims" || op.Service == "episodes" {
		base = 20 * time.Millisecond // a majority of regions has to answer
	}
	return base + time.Duration(w.rng.Int64N(int64(base)))
}

// reaches says whether calls get from one region to another.
func (w *World) reaches(from, to string) bool {
	if w.down[to] || w.down[from] {
		return false
	}
	return from == to || from == "" || !w.severed[from] && !w.severed[to]
}

// strike lets the faults of the plan strike that are due at this call.
func (w *World) strike(t *task, op mem.Op) error {
	now := w.clock.now.Sub(start)
	for i := range w.plan.Faults {
		f := &w.plan.Faults[i]
		if f.Point == "" || now < f.At || f.Region != "" && f.Region != t.region {
			continue
		}
		switch f.Kind {
		case Kill, Crash, Pause:
			if w.struck[i] || !f.Point.at(op, t) {
				continue
			}
			if w.counted[i]++; w.counted[i] < f.Nth {
				continue
			}
			w.struck[i] = true
			w.strikes(i, op)
			switch f.Kind {
			case Kill:
				w.kill(t.region, f)
				return errGone
			case Crash:
				t.dead = true
				return errGone
			default:
				w.clock.wait(f.For)
			}
		case Lost:
			if op.When == mem.After && f.during(now) && f.Point.at(op, t) && w.rng.Float64() < f.P {
				w.strikes(i, op)
				return errLost
			}
		case Fail:
			if op.When == mem.Before && f.during(now) && f.Point.at(op, t) && w.rng.Float64() < f.P {
				w.strikes(i, op)
				if f.Mode == "conflict" {
					return errConflict
				}
				return errRefused
			}
		default:
		}
	}
	if t.dead {
		return errGone
	}
	return nil
}

// strikes notes that a fault struck.
func (w *World) strikes(i int, op mem.Op) {
	f := &w.plan.Faults[i]
	w.result.Struck[f.Row]++
	if w.trace {
		w.log(f.Region, "FAULT %s %s at %s.%s %s", f.Row, f.Kind, op.Service, op.Name, short(op.Key))
	}
}

// kill ends a region: its processes stop where they are and its services do not answer.
func (w *World) kill(region string, f *Fault) {
	if w.down[region] {
		return // what is gone is gone, and comes back when its own fault says so, if at all
	}
	w.log(region, "FAULT %s region is gone", f.Row)
	w.down[region] = true
	w.killed = append(w.killed, w.clock.now)
	for t := range w.clock.alive {
		if t.region == region {
			t.dead = true
		}
	}
	switch {
	case f.Mode == "lost":
		w.queues.Lose(region)
		w.tables.Lose(region)
	case f.For > 0:
		w.clock.after(f.For, func() { w.revive(region, f) })
	}
}

func (w *World) revive(region string, f *Fault) {
	w.log(region, "FAULT %s region is back", f.Row)
	delete(w.down, region)
	w.tables.Replicate()
	if r := w.regions[region]; r != nil {
		r.catchUp()
	}
}
