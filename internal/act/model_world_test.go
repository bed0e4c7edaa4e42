package act_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/explore"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// budget is how much may go wrong in one run of the model.
type budget struct {
	crashes, delays, lost, expiries int
}

// model is the real stages of two regions over one claims store, and a target of the effects' class. Each region
// has one copy of every effect. Whatever may happen between two steps is a choice:
//
//   - either worker goes on, or crashes where it stands (its message comes again),
//   - time passes, so that every claim in force expires,
//   - a request is applied and answered, applied without an answer, or on its way: to be applied at any later step,
//   - a write to claims is done and its answer lost.
//
// When nothing is left to go wrong, the world runs on undisturbed until its queues are empty.
type model struct {
	run     *explore.Run
	left    budget
	now     time.Time
	claims  *mem.Claims
	queues  *mem.Queues
	first   int // which visible message a Receive takes
	target  *classTarget
	workers map[string]*explore.Worker
	memory  map[string]*memory
	handler map[string]*act.Handler
	settled bool // nothing goes wrong any more
}

var errLost = errors.New("the answer was lost")

const visibility = hold + 5*time.Second

func modelRegions() []string { return []string{"a", "b"} }

func newModel(t *testing.T, run *explore.Run, b budget, effects ...loop.Effect) *model {
	t.Helper()
	m := &model{
		run: run, left: b, now: epoch, target: &classTarget{class: effects[0].Class}, workers: map[string]*explore.Worker{},
		memory: map[string]*memory{}, handler: map[string]*act.Handler{}, claims: mem.NewClaims(nil),
	}
	m.queues = mem.NewQueues(mem.QueuesConfig{
		Now: func() time.Time { return m.now }, Visibility: visibility,
		Shuffle: func(_ int, swap func(i, j int)) {
			if m.first > 0 {
				swap(0, m.first)
			}
		},
	})
	crew := explore.NewCrew()
	for _, region := range modelRegions() {
		m.workers[region], m.handler[region], m.memory[region] = crew.Hire(region), m.newHandler(region), &memory{}
		for _, e := range effects {
			body, err := loop.Encode(loop.Item{AcceptedAt: epoch, Input: "default", Effect: &e})
			if err != nil {
				t.Fatal(err)
			}
			m.queues.Send(t.Context(), region, loop.QueueActions, []loop.Outgoing{{Body: body}})
		}
	}
	return m
}

func (m *model) newHandler(region string) *act.Handler {
	least := act.Backoff{Base: time.Second, Cap: time.Second, Rand: func(int64) int64 { return 0 }}
	owners := 0
	return act.New(act.Config{
		Region: region, Claims: modelClaims{m.claims.In(region), m, region}, Outputs: noOutputs{}, Queue: m.queues.From(region),
		Targets: map[string]act.Target{loop.TargetWebhook: modelTarget{m, region}},
		Hold:    hold, Margin: time.Second, Backoff: least, Unclaimed: least, Now: func() time.Time { return m.now },
		NewOwner: func() string {
			owners++
			m.memory[region].owner = fmt.Sprintf("%s/%d", region, owners)
			return m.memory[region].owner
		},
		Recorder: silent{},
	})
}

func (m *model) pick(names ...string) int {
	return m.run.Pick(len(names), func(i int) string { return names[i] })
}

// modelClaims has the worker stand before every call, and tells it lies about what became of a write.
type modelClaims struct {
	act.Claims
	m      *model
	region string
}

func (c modelClaims) step(at string, wants loop.Claim) {
	if !c.m.settled {
		c.m.memory[c.region].wants(at, wants)
		c.m.workers[c.region].Step(at)
	}
}

// lose is asked after a write that has been applied.
func (c modelClaims) lose(at string) bool {
	if c.m.settled || c.m.left.lost == 0 || c.m.pick(c.region+" "+at+" answered", c.region+" "+at+": answer lost") == 0 {
		return false
	}
	c.m.left.lost--
	c.m.learn(c.region, "answer lost", loop.Claim{})
	return true
}

func (c modelClaims) Open(ctx context.Context, want loop.Claim) (loop.Claim, bool, error) {
	c.step("Open", want)
	stored, opened, err := c.Claims.Open(ctx, want)
	if c.lose("Open") {
		return loop.Claim{}, false, errLost
	}
	c.m.learn(c.region, fmt.Sprint("opened ", opened, err), stored)
	return stored, opened, err
}

func (c modelClaims) Swap(ctx context.Context, next loop.Claim, token int64) error {
	c.step("Swap", next)
	err := c.Claims.Swap(ctx, next, token)
	if c.lose("Swap") {
		return errLost
	}
	c.m.learn(c.region, fmt.Sprint("swapped ", err), loop.Claim{})
	return err
}

func (c modelClaims) Get(ctx context.Context, id string) (loop.Claim, error) {
	c.step("Get", loop.Claim{})
	stored, err := c.Claims.Get(ctx, id)
	c.m.learn(c.region, fmt.Sprint("got ", err), stored)
	return stored, err
}

type noOutputs struct{}

func (noOutputs) Write(context.Context, loop.Output) error { return nil }
func (noOutputs) Read(context.Context, string) (loop.Output, error) {
	return loop.Output{}, loop.ErrNotFound
}

type silent struct{}

func (silent) Landed(context.Context, *act.Landing)                 {}
func (silent) Retried(context.Context, *act.Landing, time.Duration) {}

// way is one thing that can happen next.
type way struct {
	name string
	do   func()
}

// The steps that workers stand at, besides those of claims.
const (
	atSend        = "send"
	atAcknowledge = "acknowledge"
)

// ways are what can happen next. Two of them that do not touch what the other does come to the same in either order,
// so some are left out where another order has them:
//
//   - An acknowledgement touches nothing but its own message, so it comes at once or never.
//   - A delayed request touches the target only, so it lands right before another one, or at last.
//   - Where the claim is terminal it stays so, and nobody sends any more but who stands before it: the others go on
//     at once, and what lies on the queues is left for the end.
func (m *model) ways() (ways []way) {
	for _, region := range modelRegions() {
		w := m.workers[region]
		switch {
		case w.Busy() && w.At() != atSend && m.over(m.memory[region].message):
			return []way{{region + " goes on", w.Go}}
		case w.Busy() && w.At() == atAcknowledge:
			return m.moves(region, w)
		}
	}
	holding, sending := false, false
	for _, region := range modelRegions() {
		w := m.workers[region]
		if w.Busy() {
			holding, sending = true, sending || w.At() == atSend
			ways = append(ways, m.moves(region, w)...)
			continue
		}
		places, bodies := m.visible(region)
		for i, place := range places {
			if m.over(bodies[i]) {
				continue
			}
			ways = append(ways, way{region + " receives " + bodies[i], func() { m.receive(region, place) }})
		}
	}
	for i, f := range m.target.flying {
		if sending {
			ways = append(ways, way{"a delayed request lands", func() {
				m.target.flying = append(m.target.flying[:i:i], m.target.flying[i+1:]...)
				m.target.lands(f)
			}})
		}
	}
	if m.left.expiries > 0 && (holding || len(ways) == 0) {
		ways = append(ways, way{"all claims expire", m.expire})
	}
	return ways
}

func (m *model) moves(region string, w *explore.Worker) []way {
	ways := []way{{region + " goes on", w.Go}}
	if m.left.crashes > 0 {
		ways = append(ways, way{region + " crashes", func() {
			m.left.crashes--
			w.Crash() // its message may be received again from now on
			m.queues.Release(region, loop.QueueActions, m.memory[region].receipt, 0)
		}})
	}
	return ways
}

// over says whether the claim of an effect is terminal.
func (m *model) over(id string) bool {
	h, _ := m.claims.Holder(id)
	return h.Status.Terminal()
}

// visible are the messages that a region may receive now, by their place among all; of equal ones one.
func (m *model) visible(region string) (places []int, bodies []string) {
	n := 0
	for _, l := range m.queues.Lying(region, loop.QueueActions) {
		if l.Visible.After(m.now) {
			continue
		}
		if body := shortBody(l.Body); !slices.Contains(bodies, body) {
			places, bodies = append(places, n), append(bodies, body)
		}
		n++
	}
	return places, bodies
}

// expire lets so much time pass that nobody's claim is in force, and every message may be received. A set target's request lands before its claim
// expires, or never: that is the assumption which the class states.
func (m *model) expire() {
	m.left.expiries--
	m.now = m.now.Add(visibility + time.Second)
	if m.target.class == loop.ClassSet {
		m.target.land()
	}
}

func (m *model) receive(region string, first int) {
	m.first = first
	d := m.queues.Receive(region, loop.QueueActions, 1)[0]
	m.first = 0
	w := m.workers[region]
	m.memory[region].received(d, m.now)
	w.Start(func(crashed func() bool) {
		failed := m.handler[region].Handle(context.Background(), []loop.Message{d.Message})
		if crashed() || len(failed) > 0 {
			return
		}
		w.Step(atAcknowledge)
		m.queues.Ack(region, loop.QueueActions, d.Receipt)
	})
}

// explored is one run: the choices first, then the way to rest; nil where it came to a known state.
func explored(t *testing.T, run *explore.Run, seen *explore.Seen, b budget, effects ...loop.Effect) *model {
	t.Helper()
	m := newModel(t, run, b, effects...)
	for {
		ways := m.ways()
		if len(ways) == 0 {
			break
		}
		if len(ways) == 1 {
			run.Note("%s", ways[0].name)
			ways[0].do()
			continue
		}
		if b := m.left; seen.Again(run, m.state, b.crashes, b.delays, b.lost, b.expiries) {
			m.leave()
			return nil
		}
		ways[run.Pick(len(ways), func(i int) string { return ways[i].name })].do()
	}
	m.rest(t)
	return m
}

// leave ends whoever still stands somewhere.
func (m *model) leave() {
	for _, w := range m.workers {
		if w.Busy() {
			w.Crash()
		}
	}
}

// rest lets everything come to its end without further faults.
func (m *model) rest(t *testing.T) {
	t.Helper()
	m.settled = true
	m.target.land()
	for range 200 {
		for _, region := range modelRegions() {
			for _, d := range m.queues.Receive(region, loop.QueueActions, 10) {
				if failed := m.handler[region].Handle(t.Context(), []loop.Message{d.Message}); len(failed) == 0 {
					m.queues.Ack(region, loop.QueueActions, d.Receipt)
				}
			}
		}
		at, ok := m.queues.Next()
		if !ok {
			return
		}
		if at.After(m.now) {
			m.now = at
		}
	}
	t.Fatalf("the world does not come to rest:\n%s", m.run)
}

func (m *model) claim(t *testing.T, id string) loop.Claim {
	t.Helper()
	c, err := m.claims.In("a").Get(t.Context(), id)
	if err != nil {
		t.Fatalf("%v\n%s", err, m.run)
	}
	return c
}
