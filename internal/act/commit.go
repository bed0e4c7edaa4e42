package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// commitStage writes what became of the attempt, provided that the claim is still ours. A failed attempt is
// released with its notBefore, which every region obeys.
type commitStage struct {
	claims Claims
	now    func() time.Time
}

func (s commitStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	switch {
	case l.Repeat:
		return true, nil
	case l.Unclaimed:
		l.unclaim()
		return false, nil
	}
	next := l.Claim
	next.UpdatedAt, next.GivenUp = s.now().UTC(), l.GivenUp
	if !l.Held || l.Evidence != "" { // who only waits has nothing to tell
		next.Evidence = l.Evidence
	}
	switch {
	case l.Status != "":
		next.Status, next.Delivered = l.Status, l.Delivered && l.Status != loop.StatusDone
	case l.Held && l.Takeover:
		// The one who vanished may have sent; that must not be forgotten. So the claim stays what it was: one without a
		// notBefore, whose deadline is to pass.
		next.Owner, next.Deadline = l.Former, next.UpdatedAt.Add(l.Again)
	default:
		next.Delivered = l.Delivered
		if !l.Held {
			next.Attempt++
		}
		next.Deadline = next.UpdatedAt
		next.NotBefore = next.UpdatedAt.Add(l.Again)
	}
	err := s.claims.Swap(ctx, next, l.Claim.Token)
	if err != nil {
		if err = s.settle(ctx, l, &next, err); err != nil {
			return false, err
		}
	}
	l.Claim = next
	return next.Status.Terminal(), nil
}

// settle finds out what a write without a clear answer did. A lost answer shows our own state; a fence shows
// that another one took over: then its state counts, and ours is not written over it.
func (s commitStage) settle(ctx context.Context, l *Landing, next *loop.Claim, cause error) error {
	stored, err := s.claims.Get(ctx, next.EffectID)
	if err != nil {
		return fmt.Errorf("commit effect %s: %w", next.EffectID, errors.Join(cause, err))
	}
	switch {
	case stored.Owner == next.Owner && stored.Status == next.Status && stored.UpdatedAt.Equal(next.UpdatedAt) && stored.NotBefore.Equal(next.NotBefore):
		return nil
	case stored.Status.Terminal():
		l.Status, l.Again, *next = stored.Status, 0, stored
		return nil
	case stored.Token != next.Token:
		l.Status, l.Again, *next = "", max(stored.Deadline.Sub(next.UpdatedAt), 0)+waitMargin, stored
		return nil
	}
	return fmt.Errorf("commit effect %s: %w", next.EffectID, cause)
}
