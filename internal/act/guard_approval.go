package act

import (
	"context"

	"example.com/unbroken/internal/loop"
)

// approvalStage parks an effect until a person approves it. It stands behind everything that may suppress the effect,
// so that nobody is asked about what would not be sent. When it is approved, the effect passes all of that again: what
// was let through still is, and the kill switch counts as of the send. Time parked does not count.
type approvalStage struct{}

func (approvalStage) Exec(_ context.Context, l *Landing) (bool, error) {
	if l.Status == "" && l.Again == 0 && l.Claim.Effect.Approval && l.Claim.ApprovedBy == "" {
		l.Status, l.Evidence = loop.StatusParked, "waits for approval: unbroken approve "+l.Claim.EffectID
	}
	return true, nil
}
