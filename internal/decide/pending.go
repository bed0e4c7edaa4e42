package decide

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.com/unbroken/internal/loop"
)

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

// errCrowded is a write with more pending effects than an episode may have. Once some are sent there is room.
var errCrowded = errors.New("more pending effects than an episode may have")

// prune forgets transitions whose effects have expired, and beyond the size limit the oldest sent ones. Pending
// effects are never forgotten: several that exceed the limit together must wait for each other, and one that exceeds
// it alone is refused. What
// another region sent is sent here before it is forgotten: that region may be lost with its claim open, and this
// region's copy of the trigger may still wait in its queue; it would find nothing to forward.
func (k keeper) prune(ctx context.Context, e *Episode) error {
	now := k.now()
	e.Transitions = slices.DeleteFunc(e.Transitions, func(t Transition) bool {
		if t.Pending() {
			return false
		}
		var keep loop.Duration
		if j := t.Decision.Joins; j != nil {
			keep = j.Keep
		}
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
		switch {
		case i < 0 && len(e.Transitions) > 1:
			return fmt.Errorf("write episode of %s: %w", e.RuleID, errCrowded)
		case i < 0:
			return loop.Refuse(loop.CodeTooLarge, "the effects of one transition of rule %s exceed %d bytes", e.RuleID, loop.MaxPendingBytes)
		}
		if err := k.resend(ctx, e.Transitions[i]); err != nil {
			return err
		}
		e.Transitions = slices.Delete(e.Transitions, i, i+1)
	}
}
