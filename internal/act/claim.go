package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// claimStage makes this delivery the effect's only holder, or finds out why it cannot be.
//
//	no claim                     → ours, token 1
//	terminal                     → nothing to do but to emit again what may not have been emitted
//	held, deadline not past      → wait for the holder
//	released, notBefore ahead    → wait for the next attempt's time
//	deadline past                → take over with token+1 and the bytes that were rendered first
type claimStage struct {
	claims Claims
	hold   time.Duration // how long one attempt may hold the effect
	now    func() time.Time
}

// waitMargin is added to a wait so that it ends after what it waits for, in spite of small clock differences.
const waitMargin = time.Second

func (s claimStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	// The claim's time runs from before the write: a slow write shortens our own time, never a rival's.
	start := s.now().UTC()
	want := loop.Claim{
		EffectID: l.Item.Effect.ID, Status: loop.StatusClaimed, Owner: l.Owner, Token: 1,
		Deadline: start.Add(s.hold), Effect: *l.Item.Effect, AcceptedAt: l.Item.AcceptedAt, UpdatedAt: start,
		Attempt: l.Item.Unclaimed, Delivered: l.Item.Delivered,
	}
	stored, opened, err := s.open(ctx, l, want)
	if err != nil && ctx.Err() == nil && outage(l.Item, err) {
		want.Deadline = s.now().UTC().Add(s.hold)
		l.Claim, l.Unclaimed = want, true
		return true, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case opened, stored.Status == loop.StatusClaimed && stored.Owner == l.Owner && stored.Token == want.Token:
		l.own(want)
		return true, nil
	case stored.Status.Terminal():
		l.Claim, l.Status, l.Repeat = stored, stored.Status, true
		return true, nil
	case stored.NotBefore.After(start):
		l.Again = stored.NotBefore.Sub(start)
		return false, nil
	case !stored.Deadline.Before(start):
		l.Again = stored.Deadline.Sub(start) + waitMargin
		return false, nil
	}
	return s.takeOver(ctx, l, stored, start)
}

// own makes this delivery the holder of c. Where the target has taken the effect, only its output is left to write.
func (l *Landing) own(c loop.Claim) {
	l.Claim = c
	if c.Delivered {
		l.Status, l.Delivered, l.Evidence = loop.StatusDone, true, "taken by the target at an earlier attempt"
	}
}

// open claims the effect, or finds out what stands.
func (s claimStage) open(ctx context.Context, l *Landing, want loop.Claim) (stored loop.Claim, opened bool, err error) {
	ctx, cancel := patience(ctx, want.Effect)
	defer cancel()
	if stored, opened, err = s.try(ctx, l, want); err != nil {
		// The answer was lost or the write refused: the table knows, a guess does not.
		stored, err = s.read(ctx, want.EffectID, err)
	}
	return stored, opened, err
}

// try looks first where the message is a standby copy: nearly always the first region is through, and a read costs
// less than a conditional write that fails.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
func (s claimStage) try(ctx context.Context, l *Landing, want loop.Claim) (stored loop.Claim, opened bool, err error) {
	if l.Item.Standby {
		if stored, err = s.claims.Get(ctx, want.EffectID); !errors.Is(err, loop.ErrNotFound) {
			return stored, false, err
		}
	}
	return s.claims.Open(ctx, want)
}

func (s claimStage) takeOver(ctx context.Context, l *Landing, stored loop.Claim, start time.Time) (bool, error) {
	next := stored
	next.Owner, next.Token, next.Deadline, next.UpdatedAt = l.Owner, stored.Token+1, start.Add(s.hold), start
	// A holder that gave up in order left a notBefore; one that vanished did not.
	next.NotBefore = time.Time{}
	next.Attempt = max(next.Attempt, l.Item.Unclaimed)
	next.Delivered = next.Delivered || l.Item.Delivered
	err := s.claims.Swap(ctx, next, stored.Token)
	if err != nil { // fenced, or without a clear answer
		now, rerr := s.read(ctx, next.EffectID, err)
		if rerr != nil {
			return false, rerr
		}
		if now.Owner != next.Owner || now.Token != next.Token || now.Status.Terminal() {
			l.Again = max(now.Deadline.Sub(start), 0) + waitMargin // another one was faster: it is waited for like any holder
			return false, nil
		}
	}
	l.Takeover, l.Former = stored.NotBefore.IsZero(), stored.Owner
	l.own(next)
	return true, nil
}

// read follows a failed write with a strongly consistent read.
func (s claimStage) read(ctx context.Context, id string, cause error) (loop.Claim, error) {
	c, err := s.claims.Get(ctx, id)
	if err != nil {
		return loop.Claim{}, fmt.Errorf("claim effect %s: %w", id, errors.Join(cause, err))
	}
	return c, nil
}
