package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/outputs"
)

// Options are what a run does besides its plan.
type Options struct {
	Trace bool   // write the timeline
	Break Mutant // a part of the loop or of its services to break, to prove that the checks see it
}

// Mutant replaces parts of the world by broken ones. The zero Mutant breaks nothing.
type Mutant struct {
	Claims   func(region string, c act.Claims) act.Claims
	Outputs  func(region string, o act.Outputs) act.Outputs
	Episodes func(region string, e decide.Episodes) decide.Episodes
	Windows  func(region string, w decide.Windows) decide.Windows
	Queue    func(region string, q act.Queue) act.Queue
	Target   func(t act.Target) act.Target
	Act      func(c *act.Config)
	Decide   func(c *decide.Config)
	Health   func(h *outputs.Health)
	Observer func(o *observe.Observer)
	AckFirst bool // messages are acknowledged before they are handled
}

// World is three regions with the real handlers, over services in memory, on virtual time.
type World struct {
	plan    Plan
	broken  Mutant
	clock   *clock
	rng     *rand.Rand
	bundles [2]bundle

	claims   *mem.Claims
	limits   *mem.Limits
	controls *mem.Controls
	episodes *mem.Episodes
	queues   *mem.Queues
	tables   *mem.Replicas
	targets  *mem.Targets
	target   act.Target
	regions  map[string]*region // loop regions
	quorum   mem.Fault
	health   *health // nil where the plan has none

	down    map[string]bool // gone
	severed map[string]bool // cut off from the others
	killed  []time.Time
	struck  []bool // by fault of the plan
	counted []int

	copies   int // that queues have added to messages
	book     book
	watch    *watch
	owners   int
	result   *Result
	trace    bool
	timeline Timeline
}

func newWorld(p Plan, o Options) *World {
	w := &World{
		plan: p, broken: o.Break, clock: newClock(start), rng: random(p.Seed, streamRun), bundles: bundles(p.Loop, p.Witness),
		regions: map[string]*region{}, down: map[string]bool{}, severed: map[string]bool{},
		struck: make([]bool, len(p.Faults)), counted: make([]int, len(p.Faults)), book: newBook(),
		result: &Result{Plan: p, Struck: map[string]int{}}, trace: o.Trace,
	}
	w.watch = newWatch(w)
	w.quorum = mem.Quorum(p.regions(), w.reaches, errNoQuorum)
	w.claims = mem.NewClaims(w.hook)
	w.limits, w.controls = mem.NewLimits(w.hook), mem.NewControls(w.hook)
	w.episodes = mem.NewEpisodes(w.hook)
	w.queues = mem.NewQueues(mem.QueuesConfig{
		Now: w.clock.Now, Visibility: visibility, MaxReceive: maxReceive, Fault: w.hook,
		Shuffle: w.shuffle, Again: w.again, Arrived: w.arrived,
	})
	w.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: p.regions(), Now: w.clock.Now, Fault: w.hook, Lag: w.lag})
	w.tables.Link(w.linked)
	w.targets = mem.NewTargets(mem.TargetsConfig{
		Now: w.clock.Now, Passage: w.passage, Wait: w.underway, Later: w.clock.after, Got: w.got,
	})
	w.target = w.targets
	if o.Break.Target != nil {
		w.target = o.Break.Target(w.target)
	}
	if p.Health {
		w.health = newHealth(w)
	}
	for _, name := range p.Loop {
		w.regions[name] = newRegion(w, name)
	}
	if p.Health {
		w.health.begin()
	}
	return w
}

// What a deployment says of its queues; see infra. Visibility is shorter than there, so that more comes twice.
const (
	visibility = 60 * time.Second
	maxReceive = 20
)

func (w *World) linked(from, to string) bool {
	return w.reaches(from, to) && !w.unlinked(from) && !w.unlinked(to)
}

// lag draws how long a write takes to be replicated, and delivers it then. Over a link that is down it waits for the
// one who heals it: everything under way is delivered at that moment.
func (w *World) lag(from, to string) time.Duration {
	if !w.linked(from, to) {
		return 0
	}
	d := 200*time.Millisecond + time.Duration(w.rng.Int64N(int64(1500*time.Millisecond)))
	w.clock.after(d, w.tables.Replicate)
	return d
}

func (w *World) unlinked(region string) bool { return w.lasting(Unlinked, region) != nil }

// lasting finds a fault of a kind that is on now in a region.
func (w *World) lasting(kind Kind, region string) *Fault {
	now := w.clock.now.Sub(start)
	for i := range w.plan.Faults {
		f := &w.plan.Faults[i]
		if f.Kind == kind && (f.Region == "" || f.Region == region) && f.during(now) {
			return f
		}
	}
	return nil
}

// maxCopies bounds the copies that a run adds. Every copy of a waiting effect sends itself again, so a queue that
// doubles every message, for as long as a target is down, would multiply them without end (docs/simulator.md).
const maxCopies = 400

// again says how often more than once a message will be delivered.
func (w *World) again() int {
	f := w.lasting(Doubled, "")
	if f == nil || w.copies >= maxCopies || w.rng.Float64() >= f.P {
		return 0
	}
	w.result.Struck[f.Row]++
	n := 1
	if f.Mode == "often" {
		n = w.rng.IntN(10)
	}
	w.copies += n
	return n
}

func (w *World) shuffle(n int, swap func(i, j int)) {
	if f := w.lasting(Reordered, ""); f != nil {
		w.result.Struck[f.Row]++
		w.rng.Shuffle(n, swap)
	}
}

// arrived has the region's poller look when the message becomes visible.
func (w *World) arrived(name, queue string, visible time.Time) {
	r := w.regions[name]
	if r == nil || !slices.Contains(loop.Queues(), queue) {
		return
	}
	late := time.Millisecond + time.Duration(w.rng.Int64N(int64(40*time.Millisecond)))
	if f := w.lasting(Reordered, name); f != nil && w.rng.IntN(4) == 0 {
		late += time.Duration(w.rng.Int64N(int64(time.Minute)))
	}
	w.clock.at(visible.Add(late), func() { r.poll(queue) })
}
