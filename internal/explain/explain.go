// Package explain says what every rule makes of a signal, and why: the field of the pattern that does not match, what
// the conditions look at, the state of the key, and the effects. It asks the functions' own code and decides nothing.
package explain

import (
	"context"
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// Explainer explains signals one after the other; the windows of the later ones hold the earlier ones.
type Explainer struct {
	cfg    *loop.Config
	set    *rule.Set
	player *backtest.Player
}

// New starts with empty windows.
func New(b *rule.Bundle) (*Explainer, error) {
	player, err := backtest.NewPlayer(b.Config)
	return &Explainer{b.Config, b.Set, player}, err
}

// Signal is what all rules make of one signal.
type Signal struct {
	ID      string            `json:"id"`
	Source  string            `json:"source"`
	Type    string            `json:"type"`
	Subject string            `json:"subject,omitempty"`
	Time    time.Time         `json:"time"`
	Key     string            `json:"signalKey"`
	Refused *backtest.Refused `json:"refused,omitempty"` // no region would take it
	Rules   []Rule            `json:"rules"`
}

// Rule is what one rule makes of a signal. What is missing was not asked, since what comes before it ended the matter.
type Rule struct {
	ID        string         `json:"rule"`
	Off       bool           `json:"off,omitempty"`
	Mismatch  *rule.Mismatch `json:"mismatch,omitempty"`
	When      *Condition     `json:"when,omitempty"`
	Until     *Condition     `json:"until,omitempty"`
	Verify    *Condition     `json:"verify,omitempty"` // whether the signal shows that what the rule did has worked
	Key       *Condition     `json:"key,omitempty"`
	Group     *Condition     `json:"group,omitempty"` // the group whose decision tells of the key
	Window    *Window        `json:"window,omitempty"`
	Decisions []Decision     `json:"decisions,omitempty"`
	Would     []loop.Effect  `json:"would,omitempty"` // what opening would land, where the window is not full yet
	Error     string         `json:"error,omitempty"`
}

// Condition is an expression with what it looked at and what came of it.
type Condition struct {
	Expression string       `json:"expression"`
	Value      string       `json:"value"`
	Inputs     []rule.Input `json:"inputs,omitempty"`
}

// Window is the state of the rule's key after the signal.
type Window struct {
	Rule    *loop.Window `json:"rule"`
	Entries []Entry      `json:"entries"`
	Open    bool         `json:"open"`
	Episode int64        `json:"episode,omitempty"`
}

// Entry is one signal in a window.
type Entry struct {
	Time      time.Time `json:"time"`
	SignalKey string    `json:"signalKey"`
	Clears    bool      `json:"clears,omitempty"`
}

// Decision is what was decided, maybe of an earlier signal's time.
type Decision struct {
	At      time.Time `json:"at"`
	MutedBy string    `json:"mutedBy,omitempty"` // the rule that fires, so that nothing of it lands
	loop.Decision
}

// Explain plays one signal and says what became of it.
func (x *Explainer) Explain(ctx context.Context, r backtest.Record) (Signal, error) {
	ev := rule.NewEvent(r.Signal, r.At)
	out := Signal{
		ID: ev.ID(), Source: ev.Source(), Type: ev.Type(), Subject: ev.Subject(), Time: ev.Time(), Key: ev.Key(), Rules: []Rule{},
	}
	outcome, refused, err := x.player.Play(ctx, r.At, &r)
	if err != nil {
		return out, err
	}
	if len(refused) > 0 {
		out.Refused = &refused[0]
		return out, nil
	}
	for i := range x.cfg.Rules {
		id := x.cfg.Rules[i].ID
		p, on := x.set.Program(id)
		if !on {
			out.Rules = append(out.Rules, Rule{ID: id, Off: true})
			continue
		}
		one := x.rule(p, ev) //nolint:contextcheck // pure: CEL is bounded by cost, not by a deadline
		for _, m := range outcome.Made {
			if m.RuleID == id {
				one.Decisions = append(one.Decisions, Decision{m.At, m.MutedBy, m.Decision})
			}
		}
		if len(one.Decisions) > 0 {
			one.Would = nil
		}
		for _, f := range outcome.Failed {
			if f.Rule == id {
				one.Error = f.Detail
			}
		}
		out.Rules = append(out.Rules, one)
	}
	return out, nil
}

// rule asks one rule in the order in which decide does.
func (x *Explainer) rule(p *rule.Program, ev *rule.Event) (out Rule) {
	r := p.Rule()
	out.ID = r.ID
	if out.Mismatch = p.Mismatch(ev); out.Mismatch != nil {
		return out
	}
	var when bool
	if out.When, when = x.condition(p, ev, r.When, p.When, &out); out.Error == "" && p.Verifies() {
		out.Verify, _ = x.condition(p, ev, r.Verify.When, p.Worked, &out)
	}
	if out.Error != "" || !when && !r.Stateful() {
		return out
	}
	key, err := p.Key(ev)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	out.Key = &Condition{Expression: r.Key, Value: key}
	if r.Stateful() {
		until := func(ev *rule.Event) (bool, error) { return p.Until(ev, when) }
		if out.Until, _ = x.condition(p, ev, r.Until, until, &out); out.Error != "" {
			return out
		}
		out.Window = x.window(p, key, ev.Time())
	}
	if when && (out.Window == nil || !out.Window.Open) {
		if p.Grouped() {
			x.group(p, ev, key, &out)
			return out
		}
		in := rule.RenderInput{Key: key, Phase: loop.PhaseDo}
		if r.Stateful() {
			in.Episode = ev.Time().UnixMilli()
		}
		if out.Would, err = p.Render(ev, in); err != nil {
			out.Error = err.Error()
		}
	}
	return out
}

// group is what the group of a signal would come to with its key alone.
func (x *Explainer) group(p *rule.Program, ev *rule.Event, key string, out *Rule) {
	name, err := p.GroupOf(ev)
	if err == nil {
		out.Group = &Condition{Expression: p.Rule().Group.By, Value: name}
		var d loop.Decision
		d, err = p.RenderGroup(name, ev.Time().UnixMilli(), ev.Time().Add(p.Wait()), loop.GroupData{Count: 1, Members: []loop.Member{p.Member(ev, key)}})
		out.Would = d.Effects
	}
	if err != nil {
		out.Error = err.Error()
	}
}

// condition asks for one of the rule's conditions; nil where the file has none.
func (x *Explainer) condition(p *rule.Program, ev *rule.Event, source string, ask func(*rule.Event) (bool, error), out *Rule) (*Condition, bool) {
	holds, err := ask(ev)
	if err != nil {
		out.Error = err.Error()
	}
	if source == "" {
		return nil, holds
	}
	c := &Condition{Expression: source, Value: map[bool]string{true: "true", false: "false"}[holds]}
	if err != nil {
		c.Value = "failed"
	}
	if c.Inputs, err = p.Inputs(ev, source); err != nil {
		out.Error = err.Error()
	}
	return c, holds
}

// window is the state of a key, without the entries that the window's own length leaves behind.
func (x *Explainer) window(p *rule.Program, key string, now time.Time) *Window {
	r := p.Rule()
	state := x.player.Window(r.ID, key)
	w := &Window{Rule: r.Window, Entries: []Entry{}, Open: state.Episode.Open, Episode: state.Episode.N}
	for _, e := range state.Entries {
		if r.Window.Within > 0 && !e.Pos.Time.After(now.Add(-r.Window.Within.Std())) {
			continue
		}
		w.Entries = append(w.Entries, Entry{e.Pos.Time, e.Pos.SignalKey, e.Clear})
	}
	return w
}
