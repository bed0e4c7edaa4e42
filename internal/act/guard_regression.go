package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Stopper stores what a rule that stops itself changes in the controls.
type Stopper interface {
	// Store stores next with Rev+1 if the stored Rev is next.Rev; otherwise loop.ErrConflict. After any other error it
	// may or may not have happened.
	Store(ctx context.Context, next loop.Controls) error
}

// regressionStage lands the effects of Phase guard: a signal that its rule calls worse. It counts against the last do
// of its key that was let through before it, once however many such signals follow. Where that has happened to more
// dos of a day than the rule allows, the rule's kill switch goes on: whoever makes things worse stops, and waits for a
// person. Nothing is sent, and all of it may be repeated.
type regressionStage struct {
	throttles Throttles
	budgets   Budgets
	controls  Controls
	stopper   Stopper
	now       func() time.Time
}

func (s regressionStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	if e.Regression == nil || l.Status != "" || l.Again > 0 {
		return true, nil
	}
	if s.throttles == nil || s.budgets == nil || s.controls == nil || s.stopper == nil {
		l.Status, l.Evidence = loop.StatusDone, "worse; regressions are not counted here"
		return true, nil
	}
	if err := s.count(ctx, l, *e.Regression); err != nil {
		l.Status, l.Stopped = "", false
		l.giveBack(fmt.Errorf("regressions of %s: %w", e.RuleID, err))
	}
	return true, nil
}

func (s regressionStage) count(ctx context.Context, l *Landing, r loop.Regression) error {
	e, at := l.Claim.Effect, l.Claim.AcceptedAt
	t, err := s.throttles.Get(ctx, e.RuleID, e.Key)
	if err != nil {
		return err
	}
	l.Status = loop.StatusDone
	last, ok := t.Before(at, r.Within.Std())
	if !ok {
		l.Evidence = fmt.Sprintf("worse, but nothing was done within %s before it", r.Within)
		return nil
	}
	l.Evidence = fmt.Sprintf("worse: counts against decision %.12s", last.DecisionID)
	within, err := s.budgets.Spend(ctx, loop.RegressionKey(e.RuleID, at), last.DecisionID, r.Most)
	if err != nil || within {
		return err
	}
	l.Evidence += fmt.Sprintf("; more than max_regressions (%d) since %s: the rule stopped itself", r.Most, at.UTC().Format(time.DateOnly))
	l.Stopped = true // told again where the switch is on already: its answer may have been lost
	return s.stop(ctx, loop.Kill{
		Scope: e.RuleID, By: "unbroken", At: s.now(),
		Reason: fmt.Sprintf("more than guard.max_regressions (%d) of its dos were followed by a worse signal since %s, the last one %.12s of key %q",
			r.Most, at.UTC().Format(time.DateOnly), last.DecisionID, e.Key),
	})
}

// stop switches the rule's kill switch on.
func (s regressionStage) stop(ctx context.Context, k loop.Kill) error {
	for range maxRaces {
		stored, err := s.controls.Load(ctx) // not from memory: what is a second old would lose the race
		if err != nil {
			return err
		}
		next, changed := stored.WithKill(k)
		if !changed {
			return nil
		}
		if err = s.stopper.Store(ctx, next); !errors.Is(err, loop.ErrConflict) {
			return err
		}
	}
	return loop.ErrConflict
}
