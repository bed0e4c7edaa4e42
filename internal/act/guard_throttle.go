package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Throttles remembers which dos of a (rule, key) were let through.
type Throttles interface {
	// Get reads with strong consistency; the zero Rev where there is none.
	Get(ctx context.Context, ruleID, key string) (loop.Throttle, error)
	// Put stores t with Rev+1 if the stored Rev is t.Rev; otherwise loop.ErrConflict. After any other error it may or
	// may not have happened.
	Put(ctx context.Context, t loop.Throttle) error
}

// throttleStage suppresses a do whose signal was accepted within `throttle` of one that was let through. The record
// names decisions, not effects: all steps of one decision are let through or none.
//
// What is watched for regressions is written down too, throttled or not.
//
// It stands around the budget: first it looks, so that what is throttled spends no budget, and only what the budget
// let through is written down (enter), so that what was suppressed throttles nothing.
type throttleStage struct {
	throttles Throttles
	now       func() time.Time
	enter     bool
}

// maxRaces bounds how often a lost race is run again within one delivery.
const maxRaces = 8

func (s throttleStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	if s.throttles == nil || l.Status != "" || l.Again > 0 || e.Throttle+e.Watched == 0 || e.Phase != loop.PhaseDo || l.passed {
		return true, nil
	}
	step := s.look
	if s.enter {
		step = s.pass
	}
	if err := step(ctx, l); err != nil {
		l.giveBack(fmt.Errorf("throttle of %s: %w", e.RuleID, err))
	}
	return true, nil
}

// look reads the record and judges by it.
func (s throttleStage) look(ctx context.Context, l *Landing) (err error) {
	e := l.Claim.Effect
	if l.throttle, err = s.throttles.Get(ctx, e.RuleID, e.Key); err != nil {
		return err
	}
	var by *loop.Passed
	if by, l.passed = l.throttle.Judge(e.DecisionID, l.Claim.AcceptedAt, e.Throttle.Std()); by != nil {
		l.suppress(ReasonThrottle, "within %s of decision %.12s, accepted %s", e.Throttle, by.DecisionID, by.AcceptedAt.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// pass writes the decision down. Whoever loses a race looks again: a write of one's own whose answer was lost is found
// then.
func (s throttleStage) pass(ctx context.Context, l *Landing) error {
	e := l.Claim.Effect
	keep := e.Throttle.Std() + e.Watched.Std() + e.ExpireAfter.Std()
	for range maxRaces {
		mine := loop.Passed{DecisionID: e.DecisionID, EffectID: e.ID, AcceptedAt: l.Claim.AcceptedAt.UTC()}
		err := s.throttles.Put(ctx, l.throttle.With(mine, s.now().Add(-keep)))
		if !errors.Is(err, loop.ErrConflict) {
			l.counted = true
			return err
		}
		if err := s.look(ctx, l); err != nil || l.passed || l.Status != "" {
			return err
		}
	}
	return loop.ErrConflict
}
