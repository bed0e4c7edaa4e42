package mem

import (
	"context"
	"slices"
	"sync"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Passage is one request's way to a target and its answer's way back. The zero Passage is a good one: the target
// gets the request at once and its own answer comes back.
//
//	500 before it was applied    Lost, Answer
//	500 after it was applied     Answer
//	hang until the timeout       Lost or not, Takes, Answer
//	reset, connection cut        Answer, with or without Lost
//	delivered after the caller
//	gave up                      Late, Takes, Answer
type Passage struct {
	Lost   bool          // the target never gets the request
	Takes  time.Duration // how long the caller waits
	Late   time.Duration // the target gets the request only this long after the caller's wait has ended
	Answer *act.Answer   // what the caller sees; nil for what the target says
}

// Request is one request as a target got it.
type Request struct {
	Effect  loop.Effect
	Began   time.Time // when its caller set out; a target of class set was looked at then
	At      time.Time
	Applied bool // it changed something; false for one that the target took for a repetition or for outdated
}

// TargetsConfig is what Targets need. Wait lets time pass for the caller, Later calls f when more time has passed.
type TargetsConfig struct {
	Now     func() time.Time
	Passage func(e loop.Effect) Passage // nil: all good
	Wait    func(d time.Duration)       // nil: time does not pass
	Later   func(d time.Duration, f func())
	Got     func(r Request) // told of every request that reached a target
}

// Targets are the systems outside: one for each effect class, and as strong as the class says and no stronger.
type Targets struct {
	cfg TargetsConfig

	mu      sync.Mutex
	classes map[loop.Class]class
	got     []Request
}

// class is what a target of an effect class makes of a request that reached it.
type class interface {
	take(e loop.Effect, now time.Time) (applied bool, answer act.Answer)
}

// looker is a class whose callers read before they write.
type looker interface {
	look(e loop.Effect) (answer act.Answer, ok bool)
}

var _ act.Target = (*Targets)(nil)

// NewTargets returns targets that have never been called.
func NewTargets(c TargetsConfig) *Targets {
	return &Targets{cfg: c, classes: map[loop.Class]class{
		loop.ClassKeyed: keyed{}, loop.ClassFenced: fenced{}, loop.ClassSet: &absolute{}, loop.ClassOnce: once{},
	}}
}

// Deliver implements act.Target.
func (t *Targets) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	began := t.cfg.Now()
	if answer, ok := t.look(e); ok {
		return answer
	}
	var p Passage
	if t.cfg.Passage != nil {
		p = t.cfg.Passage(e)
	}
	var answer act.Answer
	if !p.Lost && p.Late == 0 {
		answer = t.take(e, began)
	}
	if t.cfg.Wait != nil && p.Takes > 0 {
		t.cfg.Wait(p.Takes)
	}
	if !p.Lost && p.Late > 0 {
		t.cfg.Later(p.Late, func() { t.take(e, began) })
	}
	switch {
	case ctx.Err() != nil:
		return act.Answer{Verdict: act.Retry, Evidence: "no answer: the attempt's time ran out"}
	case p.Answer != nil:
		return *p.Answer
	}
	return answer
}

func (t *Targets) look(e loop.Effect) (act.Answer, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, looks := t.classes[e.Class].(looker)
	if !looks {
		return act.Answer{}, false
	}
	return c.look(e)
}

func (t *Targets) take(e loop.Effect, began time.Time) act.Answer {
	t.mu.Lock()
	r := Request{Effect: e, Began: began, At: t.cfg.Now()}
	var answer act.Answer
	c, ok := t.classes[e.Class]
	if ok {
		r.Applied, answer = c.take(e, r.At)
	} else {
		answer = act.Answer{Verdict: act.Refused, Evidence: "no target of class " + string(e.Class)}
	}
	t.got = append(t.got, r)
	t.mu.Unlock()
	if t.cfg.Got != nil {
		t.cfg.Got(r)
	}
	return answer
}

// Got returns every request that reached a target, in order.
func (t *Targets) Got() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.got)
}

func took() act.Answer { return act.Answer{Verdict: act.Delivered, Evidence: "200 OK"} }

// resource is what an effect of a class without keys is about.
func resource(e loop.Effect) string {
	if e.Request == nil {
		return e.RuleID + "/" + e.Key
	}
	return e.Request.URL
}
