package act_test

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// model is the real stages of two regions over one claims store, and a target of the effect's class. Each region
// has one copy of the effect. Whatever may happen between two steps is a choice:
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
	target  *classTarget
	workers map[string]*explore.Worker
	local   map[string][]string // what each worker has learnt since it received its message
	settled bool                // nothing goes wrong any more
	quiet   bool                // the model itself looks
}

// classTarget does what a target of the class promises to do, and no more.
type classTarget struct {
	class   loop.Class
	applied int        // times that something happened at the target
	fence   loop.Fence // of what stands there
	known   bool       // whether the key has been seen
	flying  []loop.Fence
}

// apply is a request's arrival. It says whether the target refused it as outdated.
func (c *classTarget) apply(f loop.Fence) (outdated bool) {
	switch c.class {
	case loop.ClassKeyed, loop.ClassNative:
		if c.known {
			return false
		}
		c.known = true
	case loop.ClassFenced:
		if c.fence == f {
			return false
		}
		if c.fence > f {
			return true
		}
	case loop.ClassSet, loop.ClassOnce:
	}
	c.fence = f
	c.applied++
	return false
}

var errLost = errors.New("the answer was lost")

func (m *model) pick(n int, names ...string) int {
	return m.run.Pick(n, func(i int) string { return names[i] })
}

// fault is asked before and after every call to claims.
func (m *model) fault(op mem.Op) error {
	if m.quiet || m.settled || op.Service != "claims" {
		return nil
	}
	if op.When == mem.Before {
		m.workers[op.From].Step(op.Name)
		return nil
	}
	m.learn(op.From, op.Name+" "+m.claims.Print())
	if op.Name != "Get" && m.left.lost > 0 && m.pick(2, op.From+" "+op.Name+" answered", op.From+" "+op.Name+": answer lost") == 1 {
		m.left.lost--
		m.learn(op.From, "answer lost")
		return errLost
	}
	return nil
}

func (m *model) learn(region, what string) {
	m.local[region] = append(m.local[region], what+" at "+m.now.Format(time.TimeOnly))
}

// state is everything that the future depends on.
func (m *model) state() []byte {
	at := ""
	for _, region := range []string{"a", "b"} {
		if w := m.workers[region]; w.Busy() {
			at += fmt.Sprint(w, m.local[region])
		}
	}
	return fmt.Appendf(nil, "%s|%s|%s|%s|%+v|%+v", m.claims.Print(), m.queues.Print(), at, m.now, *m.target, m.left)
}

// target of one region.
type modelTarget struct {
	m      *model
	region string
}

func (t modelTarget) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	answer := t.deliver(ctx, e)
	t.m.learn(t.region, fmt.Sprintf("answer %+v", answer))
	return answer
}

func (t modelTarget) deliver(_ context.Context, e loop.Effect) act.Answer {
	m := t.m
	if !m.settled {
		m.workers[t.region].Step("send " + e.ID)
	}
	// A target of class set tells what stands before it is written.
	if m.target.class == loop.ClassSet && m.target.fence >= e.Fence && m.target.applied > 0 {
		if m.target.fence == e.Fence {
			return act.Answer{Verdict: act.Delivered}
		}
		return act.Answer{Verdict: act.Outdated}
	}
	if !m.settled && m.left.delays > 0 {
		switch m.pick(4, t.region+" request applied, answered", t.region+" request applied, not answered", t.region+" request on its way", t.region+" request never arrives") {
		case 1:
			m.left.delays--
			m.target.apply(e.Fence)
			return act.Answer{Verdict: act.Retry, Evidence: "no answer"}
		case 2:
			m.left.delays--
			m.target.flying = append(m.target.flying, e.Fence)
			return act.Answer{Verdict: act.Retry, Evidence: "no answer"}
		case 3:
			m.left.delays--
			return act.Answer{Verdict: act.Retry, Evidence: "no answer"}
		}
	}
	if m.target.apply(e.Fence) {
		return act.Answer{Verdict: act.Outdated}
	}
	return act.Answer{Verdict: act.Delivered}
}

func (m *model) handler(region string) *act.Handler {
	least := act.Backoff{Base: time.Second, Cap: time.Second, Rand: func(int64) int64 { return 0 }}
	owners := 0
	return act.New(act.Config{
		Region: region, Claims: m.claims.In(region), Outputs: noOutputs{}, Queue: m.queues.From(region),
		Targets: map[string]act.Target{loop.TargetWebhook: modelTarget{m, region}},
		Hold:    hold, Margin: time.Second, Backoff: least, Unclaimed: least, Now: func() time.Time { return m.now },
		NewOwner: func() string { owners++; return fmt.Sprintf("%s/%d/%d", region, owners, m.now.Unix()) }, Recorder: silent{},
	})
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

func (m *model) ways(regions []string, handlers map[string]*act.Handler) []way {
	var ways []way
	holding := false
	for _, region := range regions {
		w := m.workers[region]
		if w.Busy() {
			holding = true
			ways = append(ways, way{region + " goes on", w.Go})
			if m.left.crashes > 0 {
				ways = append(ways, way{region + " crashes", func() { m.left.crashes--; w.Crash() }})
			}
		} else if d := m.queues.Receive(region, loop.QueueActions, 1); len(d) == 1 {
			m.queues.Release(region, loop.QueueActions, d[0].Receipt, 0)
			ways = append(ways, way{region + " receives", func() { m.receive(region, handlers[region]) }})
		}
	}
	for i, f := range m.target.flying {
		ways = append(ways, way{"a delayed request lands", func() {
			m.target.flying = append(m.target.flying[:i:i], m.target.flying[i+1:]...)
			m.target.apply(f)
		}})
	}
	if m.left.expiries > 0 && (holding || len(ways) == 0) {
		ways = append(ways, way{"all claims expire", func() { m.left.expiries--; m.now = m.now.Add(hold + time.Second) }})
	}
	return ways
}

func (m *model) receive(region string, h *act.Handler) {
	d := m.queues.Receive(region, loop.QueueActions, 1)[0]
	w := m.workers[region]
	m.local[region] = nil
	m.learn(region, string(d.Body))
	w.Start(func(crashed func() bool) {
		failed := h.Handle(context.Background(), []loop.Message{d.Message})
		if crashed() || len(failed) > 0 {
			return
		}
		w.Step("acknowledge")
		m.queues.Ack(region, loop.QueueActions, d.Receipt)
	})
}

// explored is one run: the choices first, then the way to rest; nil where it came to a known state.
func explored(t *testing.T, run *explore.Run, seen *explore.Seen, b budget, effects ...loop.Effect) *model {
	t.Helper()
	m := &model{run: run, left: b, now: epoch, target: &classTarget{class: effects[0].Class}, workers: map[string]*explore.Worker{}, local: map[string][]string{}}
	m.claims = mem.NewClaims(m.fault)
	m.queues = mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return m.now }, Visibility: hold + 5*time.Second})
	crew, regions, handlers := explore.NewCrew(), []string{"a", "b"}, map[string]*act.Handler{}
	for _, region := range regions {
		m.workers[region], handlers[region] = crew.Hire(region), m.handler(region)
		for _, e := range effects {
			body, err := loop.Encode(loop.Item{AcceptedAt: epoch, Input: "default", Effect: &e})
			if err != nil {
				t.Fatal(err)
			}
			m.queues.Send(t.Context(), region, loop.QueueActions, []loop.Outgoing{{Body: body}})
		}
	}
	for {
		ways := m.ways(regions, handlers)
		if len(ways) == 0 {
			break
		}
		if seen.Again(run, m.state()) {
			m.leave()
			return nil
		}
		ways[run.Pick(len(ways), func(i int) string { return ways[i].name })].do()
	}
	m.rest(t, regions, handlers)
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

// rest lets everything come to its end without further faults. A set target's request lands before its claim
// expires, or never: that is the assumption which the class states.
func (m *model) rest(t *testing.T, regions []string, handlers map[string]*act.Handler) {
	t.Helper()
	m.settled = true
	for _, f := range m.target.flying {
		m.target.apply(f)
	}
	for range 200 {
		for _, region := range regions {
			for _, d := range m.queues.Receive(region, loop.QueueActions, 10) {
				if failed := handlers[region].Handle(t.Context(), []loop.Message{d.Message}); len(failed) == 0 {
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
	m.quiet = true
	defer func() { m.quiet = false }()
	c, err := m.claims.In("a").Get(t.Context(), id)
	if err != nil {
		t.Fatalf("%v\n%s", err, m.run)
	}
	return c
}

// TestModel explores claim, execute and commit for every class: two regions, two crashes, delayed requests, lost
// answers, expiring claims. What must hold in every single run stands in the checks.
func TestModel(t *testing.T) {
	t.Parallel()
	b := modelled(t)
	atMostOnceAndDone := func(m *model, c loop.Claim) string {
		if m.target.applied != 1 || c.Status != loop.StatusDone {
			return fmt.Sprintf("applied %d times, ended %s", m.target.applied, c.Status)
		}
		return ""
	}
	for _, c := range []struct {
		class loop.Class
		holds func(*model, loop.Claim) string
	}{
		{loop.ClassKeyed, atMostOnceAndDone},
		{loop.ClassFenced, atMostOnceAndDone},
		{loop.ClassNative, atMostOnceAndDone},
		{loop.ClassSet, func(m *model, c loop.Claim) string {
			if m.target.fence != "1" || c.Status != loop.StatusDone {
				return fmt.Sprintf("stands at %q, ended %s", m.target.fence, c.Status)
			}
			return ""
		}},
		{loop.ClassOnce, func(m *model, c loop.Claim) string {
			switch {
			case m.target.applied > 1:
				return fmt.Sprintf("applied %d times", m.target.applied)
			case c.Status == loop.StatusDone && m.target.applied == 1:
				return ""
			case c.Status == loop.StatusParked && c.Evidence != "":
				return ""
			}
			return fmt.Sprintf("applied %d times, ended %s: %q", m.target.applied, c.Status, c.Evidence)
		}},
	} {
		t.Run(string(c.class), func(t *testing.T) {
			t.Parallel()
			e := effect("e")
			e.Class = c.class
			start, seen := time.Now(), explore.NewSeen()
			runs, all := explore.Every(modelLimit, func(run *explore.Run) bool {
				m := explored(t, run, seen, b, e)
				if m == nil {
					return true
				}
				if wrong := c.holds(m, m.claim(t, "e")); wrong != "" {
					t.Errorf("%s, after:\n%s", wrong, run)
					return false
				}
				return !t.Failed()
			})
			t.Logf("%d runs to %d states, all %v, in %s", runs, seen.States(), all, time.Since(start).Round(time.Millisecond))
		})
	}
}

// modelled is the budget of one test run: MODEL=quick is what `make test` has time for, MODEL=deep takes minutes.
// Only one goroutine of a model moves at a time, so the race detector would find nothing in it, ten times slower.
func modelled(t *testing.T) budget {
	t.Helper()
	switch os.Getenv("MODEL") {
	case "":
		t.Skip("run by `make model`")
	case "deep":
		return budget{crashes: 2, delays: 1, lost: 1, expiries: 2}
	}
	return budget{crashes: 1, delays: 1, expiries: 1}
}

const modelLimit = 5_000_000
