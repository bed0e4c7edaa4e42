package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// executeStage sends the effect and leaves its output. It ends before the claim does: a holder that is out of
// time does not send, since another one may.
type executeStage struct {
	targets map[string]Target
	outputs Outputs
	backoff Backoff
	margin  time.Duration // kept free between the end of an attempt and the claim's deadline
	region  string
	now     func() time.Time
}

func (s executeStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	if l.Status != "" {
		return true, s.secondOutput(ctx, l)
	}
	e := l.Claim.Effect
	target, ok := s.targets[e.Target]
	if !ok {
		l.Status = loop.StatusParked
		l.Evidence = fmt.Sprintf("this version knows no target %q: deploy the version that decided it, then retry", e.Target)
		return true, nil
	}
	left := l.Claim.Deadline.Sub(s.now()) - s.margin
	if left <= 0 {
		l.Again = s.margin + waitMargin
		return false, nil
	}
	limited, cancel := context.WithTimeout(ctx, min(left, e.Timeout.Std()))
	defer cancel()
	answer := target.Deliver(limited, e)
	if answer.Verdict == Delivered && e.Output != nil {
		answer = s.writeOutput(ctx, e, answer)
	}
	l.Evidence = answer.Evidence
	switch answer.Verdict {
	case Delivered:
		l.Status = loop.StatusDone
	case Refused:
		l.Status = loop.StatusParked
	case Outdated:
		l.Status = loop.StatusSuperseded
	case Retry, Unsent:
		l.Again = max(s.backoff.Next(l.Claim.Attempt), answer.RetryAfter)
	}
	return true, nil
}

// secondOutput leaves the output of an effect that the first region landed in the standby's region too: the first
// one may have been lost between its write and the write's replication, and nobody would write it again.
func (s executeStage) secondOutput(ctx context.Context, l *Landing) error {
	e := l.Claim.Effect
	if !l.Repeat || !l.Item.Standby || l.Status != loop.StatusDone || e.Output == nil {
		return nil
	}
	err := s.outputs.Write(ctx, loop.Output{
		Key: e.Output.Key, Value: e.Output.Value, Fence: e.Fence, Origin: s.region,
		EffectID: e.ID, RuleID: e.RuleID, WrittenAt: l.Claim.UpdatedAt,
	})
	if err != nil && !errors.Is(err, loop.ErrFenced) {
		return fmt.Errorf("write the output of %s once more: %w", e.ID, err)
	}
	return nil
}

// writeOutput stores the last known good output before the claim is committed: both are idempotent, so a crash
// between them is repaired by doing both again.
func (s executeStage) writeOutput(ctx context.Context, e loop.Effect, answer Answer) Answer {
	err := s.outputs.Write(ctx, loop.Output{
		Key: e.Output.Key, Value: e.Output.Value, Fence: e.Fence, Origin: s.region,
		EffectID: e.ID, RuleID: e.RuleID, WrittenAt: s.now().UTC(),
	})
	switch {
	case err == nil:
	case errors.Is(err, loop.ErrFenced) && e.Target == loop.TargetOutput:
		return Answer{Verdict: Outdated, Evidence: "a newer output stands"}
	case errors.Is(err, loop.ErrFenced): // delivered all the same; the newer output stays
	default:
		return Answer{Verdict: Retry, Evidence: "the output could not be written: " + err.Error()}
	}
	return answer
}
