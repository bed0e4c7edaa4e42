package sim

import (
	"context"
	"math/rand/v2"
	"time"

	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/outputs"
	"example.com/unbroken/internal/receipt"
	regions "example.com/unbroken/internal/region"
)

// health is what watches over the regions of a world, where its plan has it: the real observers, canaries, gates and
// deep health, on virtual time, and producers that go where DNS sends them.
//
// Its documents are a table of their own, for observers ask it from several goroutines at once: no time passes in a
// call, and nothing is drawn. Canaries go through the ways in, the queues and the claims of everybody.
type health struct {
	w         *World
	table     *mem.Replicas
	observers map[string]*observe.Observer
	canaries  map[string]*canary.Sender
	deep      map[string]*outputs.Health
	gates     map[string]*regions.Gate
	dns       map[string]*record
	cached    []string // what DNS said when Cached began
	flips     []flip   // of states, as written
	last      map[string]regions.State
	ill       time.Time // when something was wrong last
	until     time.Time // then it is over
}

// flip is a change of a region's state.
type flip struct {
	region string
	at     time.Time
	to     regions.State
}

// After the last fault a flip may come as late as a verdict is fresh, and a region that is drained then has returned
// within failback.
const (
	lastFlip = regions.Fresh + time.Minute
	failback = lastFlip + regions.MinDrained + regions.Sustain + time.Minute
	longest  = 2 * time.Hour // of health, and of faults and failback: what is gone for good is not waited for
)

func newHealth(w *World) *health {
	h := &health{
		w: w, observers: map[string]*observe.Observer{}, canaries: map[string]*canary.Sender{}, deep: map[string]*outputs.Health{},
		gates: map[string]*regions.Gate{}, dns: map[string]*record{}, last: map[string]regions.State{}, ill: start, until: start.Add(w.plan.Length + lastFlip),
	}
	h.table = mem.NewReplicas(mem.ReplicasConfig{Regions: w.plan.regions(), Now: w.clock.Now, Immediate: true})
	h.table.Link(w.linked)
	return h
}

// begin makes the parts of every region and plans when they run: each schedule has a time of its own in the minute.
func (h *health) begin() {
	for i, name := range h.w.plan.regions() {
		o := &observe.Observer{
			Region: name, Loop: h.w.plan.Loop, All: h.w.plan.regions(), Docs: h.from(name), Now: h.w.clock.Now, Bounds: loop.DefaultBounds(), Canaries: h.kinds(),
			Depths: depths{h.w, name}, Prober: prober{h, name}, Metrics: metrics{h.w, name}, Gauge: gauge{h, name},
		}
		if h.w.regions[name] != nil {
			o.Endpoint = "https://" + name + ".example"
			h.loopRegion(name, time.Duration(i)*5*time.Second)
		}
		if h.w.broken.Observer != nil {
			h.w.broken.Observer(o)
		}
		h.observers[name] = o
		h.every(time.Minute, 20*time.Second+time.Duration(i)*7*time.Second, func() { h.observe(name) })
	}
	h.every(failover.Interval*time.Second, failover.Interval*time.Second, h.check)
}

func (h *health) loopRegion(name string, offset time.Duration) {
	w := h.w
	reader := regions.Reader{Docs: h.from(name), Loop: w.plan.Loop, Observers: w.plan.regions()}
	var seed [32]byte
	copy(seed[:], name)
	key, err := canary.NewKey(rand.NewChaCha8(seed))
	if err != nil {
		panic(err) // there is always more to read
	}
	h.canaries[name] = &canary.Sender{
		Region: name, Kinds: h.kinds(), Queue: w.regions[name].queue, HTTP: posts{w, name}, Board: h.from(name), Key: key, Now: w.clock.Now,
	}
	h.deep[name] = &outputs.Health{Region: name, Reader: reader, Canaries: h.kinds(), Now: w.clock.Now}
	if w.broken.Health != nil {
		w.broken.Health(h.deep[name])
	}
	h.gates[name] = &regions.Gate{Reader: reader, Region: name, Now: w.clock.Now}
	h.dns[name] = newRecord(len(w.plan.regions()))
	h.last[name] = regions.Active
	h.every(loop.CanaryEvery, offset, func() { h.sendCanaries(name) })
}

// every runs do again and again until health is over.
func (h *health) every(d, offset time.Duration, do func()) {
	var again func()
	again = func() {
		do()
		if next := h.w.clock.now.Add(d); next.Before(h.until) {
			h.w.clock.at(next, again)
		}
	}
	h.w.clock.after(offset, again)
}

// goesOn moves the end until nothing is wrong that regions are left for, and all of them have returned.
func (h *health) goesOn() {
	now := h.w.clock.now
	for _, f := range h.w.plan.Faults {
		if f.For > 0 && (f.Kind == Kill && h.w.down[f.Region] || f.Kind != Targets && f.during(now.Sub(start))) {
			h.ill = now
		}
	}
	if since := now.Sub(h.ill); now.Sub(start) < longest && (since < lastFlip || since < failback && !h.whole()) {
		h.until = later(h.until, now.Add(2*time.Minute)) // longer than any schedule
	}
}

// whole says whether every region is active and in DNS.
func (h *health) whole() bool {
	for _, name := range h.w.plan.Loop {
		if h.last[name] != regions.Active || !h.dns[name].was() {
			return false
		}
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (h *health) sendCanaries(name string) {
	w := h.w
	if f := w.lasting(Mute, name); f != nil {
		w.result.Struck[f.Row]++
		return
	}
	if w.down[name] {
		return
	}
	t := &task{what: loop.FuncCanary, region: name}
	w.clock.spawn(t, func() { _ = h.canaries[name].Send(withTask(t)) }) // what was not sent does not come through
}

// kinds are those of the canaries of every region.
func (h *health) kinds() []string { return loop.Canaries(h.w.bundles[0].config.Inputs) }

// posts is the way of canaries to their region's endpoint. What it answers is of no use to anyone: who does not come through
// leaves no receipt.
type posts struct {
	w      *World
	region string
}

func (p posts) Post(_ context.Context, event []byte) error {
	if p.w.deaf(p.region) {
		return errUnreachable
	}
	gate := &ingest.Gated{Next: p.w.regions[p.region].http, Drained: func(ctx context.Context) bool {
		return p.w.drained(p.region) || p.w.health.gates[p.region].Refuses(ctx)
	}}
	p.w.clock.after(0, func() { //nolint:contextcheck // a task starts no other one, and each has a context of its own
		if !p.w.down[p.region] {
			t := &task{what: loop.FuncIngestHTTP, region: p.region}
			p.w.clock.spawn(t, func() { serve(t, gate, loop.CanaryPath, event) })
		}
	})
	return nil
}

// verifier tells a region's own canaries.
func (h *health) verifier(region string) *canary.Verifier {
	return &canary.Verifier{Region: region, Keys: h.from(region), Now: h.w.clock.Now}
}

func (h *health) observe(name string) {
	f := h.w.lasting(Observer, name)
	if f != nil {
		h.w.result.Struck[f.Row]++
	}
	if h.w.down[name] || f != nil && f.Mode == observerDead {
		return
	}
	_, _ = h.observers[name].Run(context.Background()) // what it could not write, others do not have
	h.note()
}

// What is wrong with an observer.
const (
	observerDead = "dead"
	observerLies = "lies" // that no region answers
)

// note finds the flips that have been written.
func (h *health) note() {
	for _, name := range h.w.plan.Loop {
		views, err := regions.Reader{Docs: h.from(""), Loop: h.w.plan.Loop}.Views(context.Background(), name)
		if err != nil {
			continue
		}
		for _, judged := range h.w.plan.Loop {
			e := views[judged].Now(h.w.clock.now)
			if e.State == h.last[judged] || !e.Since.After(h.flipped(judged)) {
				continue
			}
			h.w.log(judged, "HEALTH %s: %s", e.State, e.Why)
			h.flips, h.last[judged] = append(h.flips, flip{judged, e.Since, e.State}), e.State
		}
	}
}

func (h *health) flipped(name string) (at time.Time) {
	for _, f := range h.flips {
		if f.region == name {
			at = f.at
		}
	}
	return at
}

// refuses says whether the region's ingest answers 503.
func (h *health) refuses(name string) bool { return h.gates[name].Refuses(context.Background()) }

// receipts is where the region's canaries end.
func (h *health) receipts(region string) receipt.Target {
	return receipt.Target{Region: region, Docs: h.from(region), Now: h.w.clock.Now}
}
