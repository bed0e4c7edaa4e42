package decide

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// observation is what one signal in hand means to a stateful rule.
type observation struct {
	work  *work
	entry Entry
}

// keeper keeps the episodes of one region. The order of its steps is what survives a crash between any two:
//
//	put entries → read all regions' entries → read the episode → write transitions with rendered effects
//	→ send the effects → note who sent them
//
// A transition that was written but not sent is sent by whoever touches the episode next. One that another region
// sent is sent here too, by the first who touches the episode in this region: a transition may be made of entries
// whose own copies have been through here already, so waiting for the copy of its trigger would not do. Effects
// collapse by their ids.
type keeper struct {
	windows  Windows
	episodes Episodes
	send     func(ctx context.Context, t Transition, standby bool) error
	region   string
	now      func() time.Time
}

// maxConflicts bounds how often a lost race is run again within one delivery; after that the item is sent again.
const maxConflicts = 8

// observe applies the observations of one (rule, key), in order of event time, and returns the decisions made
// and the observations that came too late.
func (k keeper) observe(ctx context.Context, p *rule.Program, ref Ref, obs []observation) (made []loop.Decision, tooLate []Entry, err error) {
	w := *p.Rule().Window
	slices.SortStableFunc(obs, func(a, b observation) int { return a.entry.Pos.Compare(b.entry.Pos) })
	at, after := obs[0].entry.Pos, obs[0].entry.Pos.Time.Add(-w.Within.Std())
	known, err := k.windows.Around(ctx, ref, at, after, w.Count)
	if err != nil {
		return nil, nil, fmt.Errorf("read window of %s: %w", ref.RuleID, err)
	}
	fresh := make([]Entry, len(obs))
	for i, o := range obs {
		fresh[i] = o.entry
	}
	inTime, tooLate := late(fresh, known, w.Lateness.Std())
	if len(inTime) == 0 {
		return nil, tooLate, nil
	}
	if err := k.windows.Put(ctx, ref, inTime, (w.Within + w.Lateness).Std()); err != nil {
		return nil, nil, fmt.Errorf("store window entries of %s: %w", ref.RuleID, err)
	}
	// Read again: two deciders that put at the same time must not both miss the other's entry.
	entries, err := k.windows.Around(ctx, ref, at, after, w.Count)
	if err != nil {
		return nil, nil, fmt.Errorf("read window of %s: %w", ref.RuleID, err)
	}
	made, err = k.advance(ctx, p, ref, merge(entries), obs)
	return made, tooLate, err
}

// advance brings the episode up to its entries.
func (k keeper) advance(ctx context.Context, p *rule.Program, ref Ref, entries []Entry, obs []observation) ([]loop.Decision, error) {
	for range maxConflicts {
		e, err := k.episodes.Get(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("read episode of %s: %w", ref.RuleID, err)
		}
		made, err := k.transitions(p, &e, entries, obs) //nolint:contextcheck // pure: CEL is bounded by cost, not by a deadline
		if err != nil {
			return nil, err
		}
		if len(made) > 0 {
			err = k.put(ctx, &e)
			if errors.Is(err, loop.ErrConflict) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		return made, k.forward(ctx, &e)
	}
	return nil, fmt.Errorf("episode of %s: %w", ref.RuleID, loop.ErrConflict)
}

// transitions appends to e every transition that the entries call for, effects rendered.
func (k keeper) transitions(p *rule.Program, e *Episode, entries []Entry, obs []observation) ([]loop.Decision, error) {
	var made []loop.Decision
	for {
		at, phase, ok := next(*e, *p.Rule().Window, entries)
		if !ok {
			return made, nil
		}
		n := e.N
		if phase == loop.PhaseDo {
			// Counting from the time keeps fences rising even after the episode's record was deleted.
			n = max(e.N+1, at.Time.UnixMilli())
		}
		o := trigger(obs, at)
		d := loop.Decision{
			ID: loop.EpisodeDecisionID(e.RuleID, e.Key, n, phase), RuleID: e.RuleID, Key: e.Key,
			Phase: phase, Episode: n, SignalKey: o.entry.Pos.SignalKey,
		}
		var err error
		// An event of its own: the signal may be in hand for other rules at this moment.
		event := rule.NewEvent(o.work.item.Signal, o.work.item.AcceptedAt)
		d.Effects, err = p.Render(event, rule.RenderInput{Key: e.Key, Phase: phase, Episode: n})
		if err != nil {
			return nil, err
		}
		t := Transition{
			Decision: d, At: at, AcceptedAt: o.work.item.AcceptedAt, Input: o.work.item.Input,
			Hops: o.work.item.Hops, Cause: o.work.item.Cause,
		}
		e.N, e.Open, e.Last = n, phase == loop.PhaseDo, at
		e.Transitions = append(e.Transitions, t)
		made = append(made, d)
	}
}

// trigger is the signal in hand that answers for a transition: the one at its position, or else the last one,
// whose arrival completed the picture.
func trigger(obs []observation, at loop.Position) observation {
	for _, o := range obs {
		if o.entry.Pos == at {
			return o
		}
	}
	return obs[len(obs)-1]
}

// put writes e and follows a lost answer with a strongly consistent read.
func (k keeper) put(ctx context.Context, e *Episode) error {
	if err := k.prune(ctx, e); err != nil {
		return err
	}
	e.UpdatedAt = k.now().UTC()
	err := k.episodes.Put(ctx, *e)
	if err == nil {
		e.Rev++
		return nil
	}
	stored, rerr := k.episodes.Get(ctx, e.Ref)
	if rerr != nil {
		return fmt.Errorf("write episode of %s: %w", e.RuleID, errors.Join(err, rerr))
	}
	if stored.Rev == e.Rev+1 && sameTransitions(stored.Transitions, e.Transitions) {
		*e = stored
		return nil
	}
	return fmt.Errorf("write episode of %s: %w", e.RuleID, err)
}

func sameTransitions(a, b []Transition) bool {
	return slices.EqualFunc(a, b, func(x, y Transition) bool {
		return x.Decision.ID == y.Decision.ID && slices.Equal(x.SentBy, y.SentBy) && x.AcceptedAt.Equal(y.AcceptedAt)
	})
}

// prune forgets transitions whose effects have expired, and beyond the size limit the oldest sent ones. Pending
// effects are never forgotten: where they alone exceed the limit the write is refused and tried again later. What
// another region sent is sent here before it is forgotten: that region may be lost with its claim open, and this
// region's copy of the trigger may still wait in its queue; it would find nothing to forward.
func (k keeper) prune(ctx context.Context, e *Episode) error {
	now := k.now()
	e.Transitions = slices.DeleteFunc(e.Transitions, func(t Transition) bool {
		if t.Pending() {
			return false
		}
		var keep loop.Duration
		for _, f := range t.Decision.Effects {
			keep = max(keep, f.ExpireAfter)
		}
		return now.After(t.AcceptedAt.Add(keep.Std())) && k.resend(ctx, t) == nil
	})
	for {
		b, err := loop.Marshal(e.Transitions)
		if err != nil {
			return fmt.Errorf("encode episode of %s: %w", e.RuleID, err)
		}
		if len(b) <= loop.MaxPendingBytes {
			return nil
		}
		i := slices.IndexFunc(e.Transitions, func(t Transition) bool { return !t.Pending() })
		if i < 0 {
			return loop.Refuse(loop.CodeTooLarge, "the pending effects of rule %s exceed %d bytes", e.RuleID, loop.MaxPendingBytes)
		}
		if err := k.resend(ctx, e.Transitions[i]); err != nil {
			return err
		}
		e.Transitions = slices.Delete(e.Transitions, i, i+1)
	}
}

// resend sends the effects of a transition that only others have sent.
func (k keeper) resend(ctx context.Context, t Transition) error {
	if slices.Contains(t.SentBy, k.region) {
		return nil // our own `actions` queue keeps them until their claims are terminal
	}
	return k.send(ctx, t, true)
}

// forward puts on this region's queue what is not there yet.
func (k keeper) forward(ctx context.Context, e *Episode) error {
	sent := false
	for i, t := range e.Transitions {
		if slices.Contains(t.SentBy, k.region) {
			continue
		}
		if err := k.send(ctx, t, !t.Pending()); err != nil {
			return err
		}
		e.Transitions[i].SentBy, sent = append(slices.Clone(t.SentBy), k.region), true
	}
	if !sent {
		return nil
	}
	// Whoever lost this race sends once more: the effects' ids collapse.
	if err := k.put(ctx, e); err != nil && !errors.Is(err, loop.ErrConflict) {
		return err
	}
	return nil
}
