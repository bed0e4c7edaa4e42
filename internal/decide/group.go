package decide

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// A group's record is an episode of its own, of which an instance is one firing: numbered, written on condition, with
// its effects kept in a transition until every region that touches it has sent them (episode.go). What differs is when
// it closes: not by a signal, but when its span is over; and that it is the closing that does something.
//
// Each region that touches an instance starts a timer of its own, first on its own queue and then in the record. So a
// region that is lost takes no instance with it whose signals have a copy in another one.

// groupRef names a group's record. No rule has an id like this.
func groupRef(ruleID, group string) Ref { return Ref{RuleID: ruleID + "#group", Key: group} }

// groupTimer is the data of the timer that is due when a group's span is over.
type groupTimer struct {
	Rule string `json:"rule"`
}

// gather places firings in a group and decides what is due of it. Without firings it does the latter only.
func (k keeper) gather(ctx context.Context, p *rule.Program, group string, joins []joining, standby bool) (gathered, error) {
	ref := groupRef(p.ID(), group)
	for range maxConflicts {
		e, err := k.episodes.Get(ctx, ref)
		if err != nil {
			return gathered{}, fmt.Errorf("read group of %s: %w", p.ID(), err)
		}
		if slices.ContainsFunc(e.Transitions, Transition.Pending) {
			if err := k.forward(ctx, &e); err != nil {
				return gathered{}, err
			}
		}
		out, err := gather(p, &e, joins, k.now()) //nolint:contextcheck // pure: CEL is bounded by cost, not by a deadline
		if err != nil {
			return gathered{}, err
		}
		if e.Open && !slices.Contains(e.Group.Timed, k.region) {
			if err := k.startGroup(ctx, p.ID(), e, standby); err != nil {
				return gathered{}, err
			}
			e.Group.Timed, out.changed = append(slices.Clone(e.Group.Timed), k.region), true
		}
		if out.changed {
			if err := k.put(ctx, &e); errors.Is(err, loop.ErrConflict) {
				continue
			} else if err != nil {
				return gathered{}, err
			}
		}
		return out, k.forward(ctx, &e)
	}
	return gathered{}, fmt.Errorf("group of %s: %w", p.ID(), loop.ErrConflict)
}

// startGroup sends this region's timer of the open instance.
func (k keeper) startGroup(ctx context.Context, ruleID string, e Episode, standby bool) error {
	raw, err := loop.GroupSignal(ruleID, e.Key, e.N, e.Group.Due, groupTimer{ruleID})
	if err != nil {
		return err
	}
	return k.cfg.leg(ctx, k.cfg.Region, loop.Item{AcceptedAt: e.Group.Due, Input: loop.TimerSource, Standby: standby, Signal: raw})
}

// join is the firing of one signal.
func join(p *rule.Program, w *work, event *rule.Event, key string) *joining {
	pos := event.Position()
	return &joining{
		member: p.Member(event, key), at: pos, signalKey: pos.SignalKey,
		accepted: w.item.AcceptedAt, input: w.item.Input, hops: w.item.Hops, cause: w.item.Cause,
	}
}

// group places the firings of a batch in one group.
func (h *Handler) group(ctx context.Context, k keeper, t target, obs []observation) {
	var joins []joining
	standby := true
	for _, o := range obs {
		standby = standby && o.work.item.Standby
		if o.joins != nil {
			joins = append(joins, *o.joins)
		}
	}
	if err := h.gather(ctx, k, t.program, t.key, joins, standby, obs[0].work.item); err != nil {
		fail(obs, t.program.ID(), err)
	}
}

// gather is keeper.gather, and tells what became of each firing.
func (h *Handler) gather(ctx context.Context, k keeper, p *rule.Program, group string, joins []joining, standby bool, item loop.Item) error {
	out, err := k.gather(ctx, p, group, joins, standby)
	for _, d := range out.made {
		h.cfg.Recorder.Decided(ctx, d, item)
	}
	for _, m := range out.placed {
		if m.n == 0 {
			h.cfg.Recorder.Late(ctx, p.ID(), m.signalKey)
			continue
		}
		h.cfg.Recorder.Decided(ctx, named(p, group, m), item)
	}
	if out.overflow {
		h.cfg.Recorder.Overflow(ctx, p.ID())
	}
	return err
}

// named is the decision that a firing is part of, whose effects have their ids already.
func named(p *rule.Program, group string, m placed) loop.Decision {
	d := loop.Decision{
		ID: loop.GroupDecisionID(p.ID(), group, m.n), RuleID: p.ID(), Key: group, Phase: loop.PhaseDo, Episode: m.n,
		SignalKey: m.signalKey, Joins: &loop.Joining{Group: group},
	}
	for _, s := range p.Rule().Do {
		d.Effects = append(d.Effects, loop.Effect{ID: loop.EffectID(d.ID, s.Step), Step: s.Step})
	}
	return d
}

// opening is the decision of an episode that lands nothing itself and joins a group. It is rendered all the same: what
// fails must fail while its signal is in hand.
func opening(p *rule.Program, o observation, d loop.Decision, event *rule.Event) (*loop.Joining, error) {
	group, err := p.GroupOf(event)
	if err != nil {
		return nil, err
	}
	alone := loop.GroupData{Count: 1, Members: []loop.Member{p.Member(event, d.Key)}}
	if _, err := p.RenderGroup(group, d.Episode, o.work.item.AcceptedAt, alone); err != nil {
		return nil, err
	}
	return &loop.Joining{Group: group, Keep: loop.Duration(p.Joinable())}, nil
}

// tickGroup makes the timer of a group an observation of it. A rule that has lost its group decides what it gathered.
func tickGroup(set *rule.Set, w *work, event *rule.Event, out *found) {
	signal := struct{ Data groupTimer }{}
	p, ok := (*rule.Program)(nil), false
	if json.Unmarshal(w.item.Signal, &signal) == nil {
		p, ok = set.Program(signal.Data.Rule)
	}
	if !ok {
		out.unmatched++
		return
	}
	out.observe(target{p, strings.Clone(event.Subject()), true}, observation{work: w})
}
