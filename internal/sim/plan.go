package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// Plan is everything that a run depends on. A seed gives one; a shrunk one has fewer signals, orders and faults.
type Plan struct {
	Seed    uint64
	Loop    []string // loop regions, in the order of their ring
	Witness string   // "" where all three are loop regions
	Length  time.Duration
	Health  bool // observers, canaries and DNS are part of the world
	Signals []Planned
	Orders  []Order
	Faults  []Fault
}

// Planned is a signal that a producer is going to send.
type Planned struct {
	At      time.Duration
	Input   string
	ID      string
	Type    string
	Subject string
	Time    time.Duration // of the event, from the start
	Data    string        // JSON
	Regions []string      // in this order until one accepts
	AtOnce  bool          // to the first two of them at once
}

func (p Planned) signal() loop.Signal {
	return loop.Signal{
		ID: p.ID, Source: source, Type: p.Type, Subject: p.Subject, Time: start.Add(p.Time), Data: []byte(p.Data),
	}
}

const source = "shop/sim"

// start is when every run begins.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Three regions, as in DESIGN section 2. A world has two loop regions and a witness, or three loop regions.
const (
	regionA = "us-east-2"
	regionB = "us-west-2"
	regionC = "us-east-1"
)

// Streams of random numbers are apart, so that dropping a fault leaves the signals as they are.
const (
	streamTopology = iota + 1
	streamSignals
	streamFaults
	streamRun
	streamOrders
	streamHealth
)

func random(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) } //nolint:gosec // a simulation repeats its numbers

// NewPlan draws the plan of a seed.
func NewPlan(seed uint64) Plan {
	r := random(seed, streamTopology)
	p := Plan{Seed: seed, Loop: []string{regionA, regionB}, Witness: regionC, Length: signalTime}
	if r.IntN(2) == 0 {
		p.Loop, p.Witness = append(p.Loop, regionC), ""
	}
	p.Signals = drawSignals(random(seed, streamSignals), p)
	p.Orders = drawOrders(random(seed, streamOrders), p)
	p.Faults = drawFaults(random(seed, streamFaults), p)
	return p.watched(random(seed, streamHealth))
}

// watched gives one plan in twenty-five a health, for that costs as much as several others, and a fault of it: half of those
// nothing else, the others what they have.
func (p Plan) watched(r *rand.Rand) Plan {
	if p.Health = r.IntN(25) == 0; !p.Health {
		return p
	}
	if r.IntN(2) == 0 {
		p.Faults = nil
	}
	all := watchedRows()
	row := all[r.IntN(len(all))]
	p.Faults = append(p.Faults, row.faults(draw{r, p})...)
	return p
}

// signalTime is for how long signals come in a drawn plan. Only this time counts as simulated loop time.
const signalTime = 10 * time.Minute

// without returns all without those of the indexes from ≤ i < to, for shrinking.
func without[T any](all []T, from, to int) []T {
	return append(slices.Clone(all[:from]), all[to:]...)
}

// regions are all three, the witness included.
func (p Plan) regions() []string {
	all := slices.Clone(p.Loop)
	if p.Witness != "" {
		all = append(all, p.Witness)
	}
	return all
}
