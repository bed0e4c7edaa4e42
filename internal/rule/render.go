package rule

import (
	"errors"
	"strconv"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// RenderInput is what a decision knows beyond the signal.
type RenderInput struct {
	Key     string
	Phase   loop.Phase
	Episode int64 // the episode's number; 0 for a rule without episodes
	Group   bool  // of instance Episode of the group Key
}

// Render gives the effects of a decision in the order of the rule's steps, each complete to the last byte. The
// same signal and input give the same bytes, in every region and at every retry.
func (p *Program) Render(ev *Event, in RenderInput) (effects []loop.Effect, err error) {
	defer recovered(&err)
	if ev.fault != nil {
		return nil, ev.fault
	}
	p.steps.Do(func() { p.stepsErr = errors.Join(p.compileSteps()...) })
	if p.stepsErr != nil {
		return nil, loop.Refuse(loop.CodeRenderFailed, "%s", oneLine(p.stepsErr.Error()))
	}
	steps := p.do
	switch in.Phase {
	case loop.PhaseUndo:
		steps = p.undo
	case loop.PhaseElse:
		steps = p.elseDone
	case loop.PhaseDo, loop.PhaseGuard:
	}
	var verify *loop.Verification
	if in.Phase == loop.PhaseDo && p.Verifies() {
		if verify, err = p.verification(ev, in); err != nil {
			return nil, err
		}
	}
	var inhibitedBy []loop.RuleKey
	if in.Phase == loop.PhaseDo && len(p.rule.InhibitedBy) > 0 {
		if inhibitedBy, err = p.inhibitedBy(ev, in.Key); err != nil {
			return nil, err
		}
	}
	decision := p.DecisionID(ev, in)
	effects = make([]loop.Effect, len(steps))
	for i := range steps {
		s := &steps[i]
		effects[i] = loop.Effect{
			ID: loop.EffectID(decision, s.id), DecisionID: decision, RuleID: p.id, Key: in.Key, Phase: in.Phase,
			Step: s.id, SignalKey: ev.Key(), Fence: p.fence(ev, in), Undoes: p.undoes(s.id, in), Emit: p.set.emit,
		}
		if err := s.render(ev, in, &effects[i]); err != nil {
			return nil, inField(string(in.Phase)+" "+s.id, err)
		}
		p.bound(s, &effects[i])
		effects[i].InhibitedBy = inhibitedBy
		if verify != nil {
			v := *verify
			v.Ordinal, effects[i].Verify = i, &v
		}
		if err := checkEffect(&effects[i]); err != nil {
			return nil, inField(string(in.Phase)+" "+s.id, err)
		}
	}
	return effects, nil
}

// DecisionID names the decision that Render belongs to.
func (p *Program) DecisionID(ev *Event, in RenderInput) string {
	if in.Group {
		return loop.GroupDecisionID(p.id, in.Key, in.Episode)
	}
	if p.stateful {
		return loop.EpisodeDecisionID(p.id, in.Key, in.Episode, in.Phase)
	}
	if in.Phase == loop.PhaseElse {
		return loop.ElseDecisionID(ev.Key(), p.id)
	}
	return loop.SignalDecisionID(ev.Key(), p.id)
}

func (p *Program) fence(ev *Event, in RenderInput) loop.Fence {
	switch phase := in.Phase; {
	case phase == loop.PhaseElse:
		in.Phase = loop.PhaseDo
		return p.fence(ev, in).Else()
	case p.stateful || in.Group:
		return loop.EpisodeFence(in.Episode, phase)
	}
	return loop.SignalFence(ev.Position())
}

// undoes is the id of the do effect that an undo step takes back: the step of the same id in the same episode.
func (p *Program) undoes(step string, in RenderInput) string {
	if in.Phase != loop.PhaseUndo {
		return ""
	}
	for i := range p.do {
		if p.do[i].id == step {
			return loop.EffectID(loop.EpisodeDecisionID(p.id, in.Key, in.Episode, loop.PhaseDo), step)
		}
	}
	return ""
}

// render fills in the request, the output and the fallback, all with the same `with`.
func (s *step) render(ev *Event, in RenderInput, effect *loop.Effect) error {
	a := s.action
	if err := a.ready(); err != nil {
		return loop.Refuse(loop.CodeRenderFailed, "%s", oneLine(err.Error()))
	}
	effect.Action, effect.Target, effect.Class = a.name, a.config.To, a.config.Effect
	effect.Timeout, effect.ExpireAfter, effect.Horizon, effect.Backoff = a.config.Timeout, a.config.ExpireAfter, a.config.Horizon, a.config.Retry
	vars := &activation{
		event: ev, rule: effect.RuleID, key: in.Key, phase: string(in.Phase), episode: in.Episode,
		effect: effect.ID, undoes: effect.Undoes,
	}
	with, err := s.with.renderString(vars)
	if err != nil {
		return err
	}
	vars.with = &object{raw: with}
	switch {
	case a.config.To == loop.TargetWebhook:
		effect.Request, err = a.request(vars, effect)
	case a.spec != nil:
		effect.Request, err = a.targetRequest(vars, effect)
	}
	if err == nil && effect.Request != nil {
		err = checkSize(effect.Request)
	}
	if err != nil {
		return err
	}
	if a.output != nil {
		if effect.Output, err = a.outputSpec(vars); err != nil {
			return err
		}
	}
	if s.fallback == nil {
		return nil
	}
	fallback := *effect
	fallback.ID, fallback.Undoes, fallback.Request, fallback.Output = loop.FallbackID(effect.ID), "", nil, nil
	effect.Fallback = &fallback
	return inField("fallback "+s.fallback.action.name, s.fallback.render(ev, in, &fallback))
}

// request renders a webhook's request. Act adds what differs between attempts: timestamp, signature, secret.
func (a *action) request(vars *activation, effect *loop.Effect) (*loop.Request, error) {
	r := &loop.Request{Method: a.config.Method, Secret: a.config.Secret}
	var err error
	if r.URL, err = a.url.renderString(vars); err != nil {
		return nil, err
	}
	if len(a.url.chunks) > 1 {
		if err := renderedPath(r.URL); err != nil {
			return nil, a.url.failed(err)
		}
	}
	r.Headers = make(map[string]string, len(a.headers)+1)
	r.Headers["content-type"] = "application/json"
	for _, h := range a.headers {
		v, err := h.value.renderString(vars)
		if err != nil {
			return nil, err
		}
		if !headerValue(v) {
			return nil, h.value.failed(errors.New("a header must not hold a line break or another control character"))
		}
		r.Headers[h.name] = v
	}
	if a.body != nil {
		r.Body, err = a.body.renderString(vars)
	} else {
		r.Body = defaultBody(vars, effect)
	}
	return r, err
}

// defaultBody is what a webhook gets that declares no body: the decision, and the signal it was made of.
func defaultBody(vars *activation, effect *loop.Effect) string {
	var stack [2048]byte // the usual body is built here, and copied once
	b := stack[:0]
	b = gjson.AppendJSONString(append(b, `{"effect":`...), effect.ID)
	b = gjson.AppendJSONString(append(b, `,"decision":`...), effect.DecisionID)
	b = gjson.AppendJSONString(append(b, `,"rule":`...), effect.RuleID)
	b = gjson.AppendJSONString(append(b, `,"key":`...), effect.Key)
	b = gjson.AppendJSONString(append(b, `,"phase":`...), string(effect.Phase))
	b = gjson.AppendJSONString(append(b, `,"step":`...), effect.Step)
	b = strconv.AppendInt(append(b, `,"episode":`...), vars.episode, 10)
	b = append(append(b, `,"with":`...), vars.with.raw...)
	b = append(append(b, `,"signal":`...), vars.event.raw...)
	return string(append(b, '}'))
}

// outputSpec renders an output; without a value of its own it holds the step's `with`.
func (a *action) outputSpec(vars *activation) (*loop.OutputSpec, error) {
	key, err := a.output.renderString(vars)
	if err != nil {
		return nil, err
	}
	if key == "" || len(key) > maxKeyBytes {
		return nil, a.output.failed(errors.New("the key has " + strconv.Itoa(len(key)) + " bytes; 1 to 1024 are allowed"))
	}
	value := []byte(vars.with.raw)
	if a.value != nil {
		if value, err = a.value.render(nil, vars); err != nil {
			return nil, err
		}
	}
	if len(value) > loop.MaxRequestBytes {
		return nil, loop.Refuse(loop.CodeTooLarge, "the output has %d bytes; at most %d are allowed", len(value), loop.MaxRequestBytes)
	}
	return &loop.OutputSpec{Key: key, Value: value}, nil
}

// headerValue says whether v can be sent as it is. A line break in it would start a header, or a request, of
// the signal's choosing.
func headerValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
