package decide

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

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
	cfg      Config
	joins    *joins // of the openings that are under way
}

// maxConflicts bounds how often a lost race is run again within one delivery; after that the item is sent again.
const maxConflicts = 8

// outcome is what observations led to.
type outcome struct {
	made     []loop.Decision
	tooLate  []Entry
	overflow bool // the window's bound was hit
}

// observe applies the observations of one (rule, key), in order of event time.
func (k keeper) observe(ctx context.Context, p *rule.Program, ref Ref, obs []observation) (out outcome, err error) {
	r := p.Rule()
	w, lateness := windowOf(r), r.Window.Lateness.Std()
	slices.SortStableFunc(obs, func(a, b observation) int { return a.entry.Pos.Compare(b.entry.Pos) })
	look := w.look(obs[0].entry.Pos)
	// Which are known and which come too late is told by the entries from here on.
	first, absent := Look{At: look.At, Limit: look.Limit}, r.Window.Absent.Std()
	if absent > 0 {
		first = look
	}
	known, err := k.windows.Around(ctx, ref, first)
	if err != nil {
		return out, fmt.Errorf("read window of %s: %w", ref.RuleID, err)
	}
	fresh := make([]Entry, len(obs))
	for i, o := range obs {
		fresh[i] = o.entry
	}
	inTime, tooLate := late(fresh, known.Entries, lateness)
	out.tooLate = tooLate
	if len(inTime) == 0 {
		return out, nil
	}
	if absent > 0 { // before the tick is stored: one that stands has started the next timer
		if err := k.start(ctx, ref, absent, timers(absent, obs, known.Entries, merge(slices.Concat(known.Entries, inTime)))); err != nil {
			return out, err
		}
	}
	if err := k.windows.Put(ctx, ref, inTime, w.span+2*lateness); err != nil {
		return out, fmt.Errorf("store window entries of %s: %w", ref.RuleID, err)
	}
	// Read again: two deciders that put at the same time must not both miss the other's entry.
	seen, err := k.windows.Around(ctx, ref, look)
	if err != nil {
		return out, fmt.Errorf("read window of %s: %w", ref.RuleID, err)
	}
	if absent > 0 && len(seen.Entries) > len(known.Entries)+len(inTime) { // another one's entry
		if err := k.start(ctx, ref, absent, timers(absent, obs, known.Entries, merge(slices.Clone(seen.Entries)))); err != nil {
			return out, err
		}
	}
	j := judged{entries: merge(seen.Entries), lateness: lateness + absent, now: k.now()}
	j.from, _ = slices.BinarySearchFunc(j.entries, seen.From, func(e Entry, at loop.Position) int { return e.Pos.Compare(at) })
	j.verdicts = w.judge(j.entries, j.from)
	out.overflow = seen.Overflow
	out.made, err = k.advance(ctx, p, ref, j, obs)
	return out, err
}

// advance brings the episode up to its entries. What is pending is sent first, and transitions that are too large to be
// pending together are made in turns.
func (k keeper) advance(ctx context.Context, p *rule.Program, ref Ref, j judged, obs []observation) (all []loop.Decision, err error) {
	for lost, most := 0, math.MaxInt; lost < maxConflicts; {
		e, err := k.episodes.Get(ctx, ref)
		if err != nil {
			return all, fmt.Errorf("read episode of %s: %w", ref.RuleID, err)
		}
		if slices.ContainsFunc(e.Transitions, Transition.Pending) {
			if err := k.forward(ctx, &e); err != nil {
				return all, err
			}
		}
		changes, flips := j.settle(e)
		turn := changes[:min(len(changes), most)]
		made, err := k.transitions(p, &e, j, turn, obs) //nolint:contextcheck // pure: CEL is bounded by cost, not by a deadline
		if err != nil {
			return all, err
		}
		if len(made) > 0 || !sameFlips(flips, e.begun()) {
			e.Flips, e.MovedAt = j.recent(flips), k.now().UTC()
			switch err = k.put(ctx, &e); {
			case errors.Is(err, errCrowded) && len(turn) > 1:
				most = len(turn) / 2
				continue
			case errors.Is(err, loop.ErrConflict):
				lost++
				continue
			case err != nil:
				return all, err
			}
		}
		all = append(all, made...)
		if err := k.forward(ctx, &e); err != nil || len(turn) == len(changes) {
			return all, err
		}
	}
	return all, fmt.Errorf("episode of %s: %w", ref.RuleID, loop.ErrConflict)
}

// transitions appends to e every change, effects rendered.
func (k keeper) transitions(p *rule.Program, e *Episode, j judged, changes []Flip, obs []observation) ([]loop.Decision, error) {
	e.Flips = e.begun() // of the state before them
	made := make([]loop.Decision, 0, len(changes))
	for _, c := range changes {
		n, phase := e.N, loop.PhaseUndo
		if c.Open {
			// Counting from the time keeps fences rising even after the episode's record was deleted.
			n, phase = max(e.N+1, c.At.Time.UnixMilli()), loop.PhaseDo
		}
		o := trigger(obs, c.At)
		d := loop.Decision{
			ID: loop.EpisodeDecisionID(e.RuleID, e.Key, n, phase), RuleID: e.RuleID, Key: e.Key,
			Phase: phase, Episode: n, SignalKey: o.entry.Pos.SignalKey,
		}
		var err error
		raw := o.work.item.Signal
		if newest, heard := newestBefore(j.entries, c.At); c.Open && heard && p.Rule().Window.Absent > 0 && o.entry.Pos != c.At {
			// What completes the picture of a silence does not tell of it: a signal that comes after the timer.
			if _, raw, err = silence(e.Ref, p.Rule().Window.Absent.Std(), newest.Pos); err != nil {
				return nil, err
			}
		}
		// An event of its own: the signal may be in hand for other rules at this moment.
		event := rule.NewEvent(raw, o.work.item.AcceptedAt)
		if c.Open && p.Grouped() {
			d.Joins, err = opening(p, o, d, event)
		} else {
			d.Effects, err = p.Render(event, rule.RenderInput{Key: e.Key, Phase: phase, Episode: n})
		}
		if err != nil {
			return nil, err
		}
		d.Why = p.Why(event)
		d.Why.Window = j.seen(c.At, windowOf(p.Rule()).span)
		e.Transitions = append(e.Transitions, Transition{
			Decision: d, At: c.At, AcceptedAt: o.work.item.AcceptedAt, Input: o.work.item.Input,
			Hops: o.work.item.Hops, Cause: o.work.item.Cause,
		})
		e.N, e.Open, e.Last = n, c.Open, c.At
		e.fired(p.Inhibits(), n, c.Open, o.work.item.AcceptedAt)
		made = append(made, d)
	}
	return made, nil
}

// fired notes an opening, if others are inhibited by it, and the closing of one that was noted.
func (e *Episode) fired(inhibits bool, n int64, open bool, accepted time.Time) {
	last := len(e.Firings) - 1
	switch {
	case open && inhibits:
		e.Firings = append(slices.Clone(e.Firings), loop.Firing{N: n, From: accepted.UTC()})
		e.Firings = e.Firings[max(len(e.Firings)-loop.MaxFirings, 0):]
	case !open && last >= 0 && e.Firings[last].N == n:
		e.Firings = slices.Clone(e.Firings)
		e.Firings[last].Until = accepted.UTC()
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
	if stored.Rev == e.Rev+1 && sameTransitions(stored.Transitions, e.Transitions) && sameFlips(stored.Flips, e.Flips) &&
		stored.Group.same(e.Group) {
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
