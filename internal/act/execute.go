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
	if l.Again > 0 { // the guard gave it back
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
		l.Again, l.Evidence = waitMargin, "the claim's time ran out before anything was sent"
		return true, nil
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
		l.Status, l.GivenUp = loop.StatusParked, true
	case Outdated:
		l.Status = loop.StatusSuperseded
	case Retry:
		s.unknown(l, answer)
	case Unsent:
		l.Again = s.wait(l, answer)
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
		l.Again = max(s.wait(l, answer), l.Claim.Deadline.Sub(s.now()))
	case loop.ClassKeyed, loop.ClassFenced, loop.ClassNative:
		l.Again = s.wait(l, answer)
	}
}

// wait is the time until the next attempt. It ends with the effect's own time, so that what is given up is given
// up then, not a backoff later.
func (s executeStage) wait(l *Landing, answer Answer) time.Duration {
	wait := max(s.backoff.of(l.Claim.Effect.Backoff).Next(l.Claim.Attempt), answer.RetryAfter)
	return min(wait, max(l.Claim.ExpiresAt().Sub(s.now())+time.Millisecond, waitMargin))
}

// secondOutput leaves the output of an effect that the first region landed in the standby's region too: the first
// one may have been lost between its write and the write's replication, and nobody would write it again.
func (s executeStage) secondOutput(ctx context.Context, l *Landing) error {
	e := l.Claim.Effect
	if !l.Repeat || !l.Item.Standby || l.Status != loop.StatusDone || e.Output == nil {
		return nil
	}
	out := loop.Output{
		Key: e.Output.Key, Value: e.Output.Value, Fence: e.Fence, Origin: s.region,
		EffectID: e.ID, RuleID: e.RuleID, WrittenAt: l.Claim.UpdatedAt,
	}
	standing, err := s.outputs.Read(ctx, out.Key)
	if err == nil && standing.CompareVersion(out) >= 0 {
		return nil // replicated in time, as nearly always: a read costs less than a write
	}
	err = s.outputs.Write(ctx, out)
	if err != nil && !errors.Is(err, loop.ErrFenced) {
		return fmt.Errorf("write the output of %s once more: %w", e.ID, err)
	}
	return nil
}

// writeOutput stores the last known good output before the claim is committed: both are idempotent, so a crash
// between them is repaired by doing both again.
func (s executeStage) writeOutput(ctx context.Context, e loop.Effect, answer Answer) Answer {
	err := s.outputs.Write(ctx, loop.Output{
		Key: e.Output.Key, Value: e.Output.Value, ContentType: loop.ContentJSON, Fence: e.Fence, Origin: s.region,
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
