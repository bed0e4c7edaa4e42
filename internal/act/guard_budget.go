package act

import (
	"context"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Budgets are bounded sets of ids.
type Budgets interface {
	// Spend adds id to the set at key; false where the set has most others already. What is in the set is within,
	// however often it is asked for.
	Spend(ctx context.Context, key, id string, most int) (within bool, err error)
	// Refund takes id out of the set at key; where it is not in there, nothing happens.
	Refund(ctx context.Context, key, id string) error
}

// budgetStage lets a rule have so many effects an hour: the hour in which their signals were accepted. The budget is a
// set of effects' ids, so that copies, retries and a lost answer spend nothing twice.
type budgetStage struct{ budgets Budgets }

func (s budgetStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	if s.budgets == nil || l.Status != "" || l.Again > 0 || e.Budget == 0 || e.Phase != loop.PhaseDo {
		return true, nil
	}
	hour := l.Claim.AcceptedAt.UTC().Truncate(time.Hour)
	within, err := s.budgets.Spend(ctx, loop.BudgetKey(e.RuleID, hour), e.ID, e.Budget)
	switch {
	case err != nil:
		l.giveBack(fmt.Errorf("budget of %s: %w", e.RuleID, err))
	case !within:
		l.suppress(ReasonBudget, "the rule had max_per_hour (%d) effects of signals accepted in the hour from %s", e.Budget, hour.Format(time.RFC3339))
	default:
		l.counted = true
	}
	return true, nil
}
