package act

import (
	"context"
	"fmt"

	"example.com/unbroken/internal/loop"
)

// Reason says what kept an effect from being sent. It starts the evidence of every suppressed claim, and counts in
// the metrics.
type Reason string

// Reasons.
const (
	ReasonShadow    Reason = "shadow"    // its rule decides and records, and does not act
	ReasonInhibited Reason = "inhibited" // a rule that mutes its own fired when its signal was accepted
	ReasonSilence   Reason = "silence"   // a silence or maintenance window covers its acceptance
	ReasonThrottle  Reason = "throttle"  // another do of its (rule, key) was let through shortly before
	ReasonBudget    Reason = "budget"    // its rule has used up its hour
	ReasonKilled    Reason = "killed"    // a kill switch is on
)

// suppress ends an effect of which nothing was sent.
func (l *Landing) suppress(r Reason, format string, args ...any) {
	l.Status, l.Reason = loop.StatusSuppressed, r
	l.Evidence = string(r) + ": " + fmt.Sprintf(format, args...)
}

// shadowStage ends what a rule in shadow decided. It stands before the guard, which would take the claim of a holder
// that vanished for one that may have been sent: in shadow nobody sends.
//
// An undo goes on to the guard all the same: its do may be one that the rule did before it was put into the shadow,
// and then it is taken back. Otherwise the do was suppressed, and the guard supersedes its undo.
type shadowStage struct{}

func (shadowStage) Exec(_ context.Context, l *Landing) (bool, error) {
	if e := l.Claim.Effect; l.Status == "" && e.Shadow && e.Undoes == "" {
		l.suppress(ReasonShadow, "the rule's mode is shadow: decided and recorded, not sent")
	}
	return true, nil
}
