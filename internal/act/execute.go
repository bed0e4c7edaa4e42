package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// executeStage sends the effect. It ends before the claim does: a holder that is out of time does not send, since
// another one may.
type executeStage struct {
	targets map[string]Target
	backoff Backoff
	margin  time.Duration // kept free between the end of an attempt and the claim's deadline
	now     func() time.Time
}

// errLate says that `claims` answered too late. Whoever comes back after a constant time keeps it as slow as it is.
var errLate = errors.New("the claim's time ran out before anything was sent")

func (s executeStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	if l.Status != "" || l.Again > 0 { // it is over, or the guard gave it back
		return true, nil
	}
	e := l.Claim.Effect
	target, ok := s.targets[e.Target]
	if !ok {
		l.Status = loop.StatusParked
		l.Evidence = fmt.Sprintf("this version knows no target %q: deploy the version that decided it, then retry", e.Target)
		return true, nil
	}
	left := l.Claim.Deadline.Sub(s.now()) - s.margin
	if left <= 0 { // given back in order, so that the next holder knows that nothing was sent
		l.giveBack(errLate)
		return true, nil
	}
	limited, cancel := context.WithTimeout(ctx, min(left, e.Timeout.Std()))
	defer cancel()
	l.sent = true
	answer := target.Deliver(limited, e)
	l.Evidence = answer.Evidence
	switch answer.Verdict {
	case Delivered:
		l.Status, l.Delivered = loop.StatusDone, e.Target != loop.TargetOutput // which has nothing to take
	case Refused:
		l.Status, l.GivenUp = loop.StatusParked, true
	case Outdated:
		l.Status = loop.StatusSuperseded
	case Retry:
		s.unknown(l, answer)
	case Unsent:
		l.Again = s.backoff.after(l, answer.RetryAfter, s.now())
	}
	return true, nil
}

// unknown follows an attempt that may or may not have been applied. Who prevents a second application is the
// class's matter: the target where it drops or refuses one, nobody for once.
func (s executeStage) unknown(l *Landing, answer Answer) {
	switch l.Claim.Effect.Class {
	case loop.ClassOnce:
		l.Status, l.Evidence = loop.StatusParked, "may have been applied, so it is not sent again: "+answer.Evidence
	case loop.ClassSet:
		// The request may still be on its way. Only once it can no longer land does reading back tell anything.
		l.Again = max(s.backoff.after(l, answer.RetryAfter, s.now()), l.Claim.Deadline.Sub(s.now()))
	case loop.ClassKeyed, loop.ClassFenced, loop.ClassNative:
		l.Again = s.backoff.after(l, answer.RetryAfter, s.now())
	}
}
