package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// refundStage takes back what was counted for an effect that was stopped after all: by a throttle that it lost the race
// for, or by a kill switch that went on meanwhile. What was not sent must neither spend the rule's hour nor throttle
// the next one. An earlier holder may have counted, too; so whoever is not the first looks as well.
type refundStage struct {
	throttles Throttles
	budgets   Budgets
}

func (s refundStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	if l.Repeat || l.Status != loop.StatusSuppressed || e.Phase != loop.PhaseDo || !l.counted && l.Claim.Token == 1 {
		return true, nil
	}
	var err error
	if s.budgets != nil && e.Budget > 0 {
		err = s.budgets.Refund(ctx, loop.BudgetKey(e.RuleID, l.Claim.AcceptedAt.UTC().Truncate(time.Hour)), e.ID)
	}
	if s.throttles != nil && e.Throttle+e.Watched > 0 {
		err = errors.Join(err, s.leave(ctx, e))
	}
	if err != nil { // suppressed by the next holder, who looks as well
		l.Status, l.Reason = "", ""
		l.giveBack(fmt.Errorf("take back what was counted for %s: %w", e.ID, err))
	}
	return true, nil
}

// leave takes the decision out of the record if this effect entered it. If another one did, that one was let through,
// and so the decision has happened.
func (s refundStage) leave(ctx context.Context, e loop.Effect) error {
	for range maxRaces {
		stored, err := s.throttles.Get(ctx, e.RuleID, e.Key)
		if err != nil {
			return err
		}
		next, entered := stored.Without(e.ID)
		if !entered {
			return nil
		}
		if err = s.throttles.Put(ctx, next); !errors.Is(err, loop.ErrConflict) {
			return err
		}
	}
	return loop.ErrConflict
}
