package act

import (
	"context"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Firings tells when a rule fired.
type Firings interface {
	// Get reads the last firings of a (rule, key) with strong consistency; none where nothing is stored.
	Get(ctx context.Context, of loop.RuleKey) ([]loop.Firing, error)
}

// inhibitStage suppresses a do whose signal was accepted while a rule that mutes its own was firing. It stands before what
// is counted: what is muted throttles nothing and spends nothing.
//
// It goes by the acceptance of signals, so that the copies of one acceptance are judged alike however late they come. Only
// an opening that is decided after the do was claimed could make a difference, so what was let through once is let
// through at every later attempt, and what a holder that vanished may have sent is not called suppressed.
type inhibitStage struct{ firings Firings }

func (s inhibitStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	if s.firings == nil || len(e.InhibitedBy) == 0 || l.Status != "" || l.Again > 0 || l.Takeover || l.Claim.LetThrough {
		return true, nil
	}
	for _, by := range e.InhibitedBy {
		all, err := s.firings.Get(ctx, by)
		if err != nil { // not known, so not sent
			l.giveBack(fmt.Errorf("whether %s mutes %s: %w", by.Rule, e.RuleID, err))
			return true, nil
		}
		if f, fires := loop.FiringAt(all, l.Claim.AcceptedAt); fires {
			l.suppress(ReasonInhibited, "rule %s fires for key %q: episode %d, since %s", by.Rule, by.Key, f.N, f.From.UTC().Format(time.RFC3339))
			return true, nil
		}
	}
	l.Claim.LetThrough = true // stored with whatever is written of the claim next
	return true, nil
}
