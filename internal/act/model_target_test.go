package act_test

import (
	"context"
	"fmt"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// classTarget does what a target of the class promises to do, and no more.
type classTarget struct {
	class   loop.Class
	applied int             // times that something happened at the target
	fence   loop.Fence      // of what stands there
	known   map[string]bool // keys that it has seen
	flying  []loop.Effect   // requests on their way
	passed  bool            // an older request landed late, after a newer one: class set does not prevent it
}

// apply is a request's arrival. It says whether the target refused it as outdated.
func (c *classTarget) apply(e loop.Effect) (outdated bool) {
	switch c.class {
	case loop.ClassKeyed, loop.ClassNative:
		if c.known[e.ID] {
			return false
		}
		if c.known == nil {
			c.known = map[string]bool{}
		}
		c.known[e.ID] = true
	case loop.ClassFenced:
		if c.fence == e.Fence {
			return false
		}
		if c.fence > e.Fence {
			return true
		}
	case loop.ClassSet, loop.ClassOnce:
	}
	c.fence = e.Fence
	c.applied++
	return false
}

// lands is the arrival of a request that nobody waits for any more.
func (c *classTarget) lands(e loop.Effect) {
	c.passed = c.passed || c.fence > e.Fence
	c.apply(e)
}

// land lets everything land that is on its way.
func (c *classTarget) land() {
	for _, e := range c.flying {
		c.lands(e)
	}
	c.flying = nil
}

// modelTarget is the target as one region reaches it.
type modelTarget struct {
	m      *model
	region string
}

func (t modelTarget) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	answer := t.deliver(ctx, e)
	t.m.learn(t.region, fmt.Sprint("answer ", answer.Verdict), loop.Claim{})
	return answer
}

func (t modelTarget) deliver(_ context.Context, e loop.Effect) act.Answer {
	m := t.m
	if !m.settled {
		m.memory[t.region].sends()
		m.workers[t.region].Step(atSend)
	}
	// A target of class set tells what stands before it is written.
	if m.target.class == loop.ClassSet && m.target.fence >= e.Fence && m.target.applied > 0 {
		if m.target.fence == e.Fence {
			return act.Answer{Verdict: act.Delivered}
		}
		return act.Answer{Verdict: act.Outdated}
	}
	if !m.settled && m.left.delays > 0 {
		noAnswer := act.Answer{Verdict: act.Retry, Evidence: "no answer"}
		switch m.pick(t.region+" request applied, answered", t.region+" request applied, not answered", t.region+" request on its way", t.region+" request never arrives") {
		case 1:
			m.left.delays--
			m.target.apply(e)
			return noAnswer
		case 2:
			m.left.delays--
			m.target.flying = append(m.target.flying, e)
			return noAnswer
		case 3:
			m.left.delays--
			return noAnswer
		}
	}
	if m.target.apply(e) {
		return act.Answer{Verdict: act.Outdated}
	}
	return act.Answer{Verdict: act.Delivered}
}
