package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// outputStage leaves the last known good output of what is done, before the claim is committed: both are idempotent,
// so a crash between them is repaired by doing both again.
//
// An output that cannot be written makes nothing else of the delivery. The claim remembers that the target took it
// (loop.Claim.Delivered), so that whoever holds it next writes the output and does not send.
type outputStage struct {
	outputs Outputs
	backoff Backoff
	region  string
	now     func() time.Time
}

func (s outputStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	switch {
	case e.Output == nil || l.Status != loop.StatusDone:
		return true, nil
	case l.Repeat:
		return true, s.second(ctx, l)
	}
	err := s.outputs.Write(ctx, s.output(l, s.now().UTC()))
	switch {
	case err == nil:
	case errors.Is(err, loop.ErrFenced) && e.Target == loop.TargetOutput:
		l.Status, l.Evidence = loop.StatusSuperseded, "a newer output stands"
	case errors.Is(err, loop.ErrFenced): // delivered all the same; the newer output stays
	case l.Delivered && s.now().After(l.Claim.ExpiresAt()):
		l.Status = loop.StatusParked
		l.Evidence = "taken by the target, but its output could not be written; a retry writes only that: " + err.Error()
	default:
		l.Status, l.Again = "", s.backoff.after(l, 0, s.now())
		l.Evidence = fmt.Sprintf("%s; the output could not be written: %v", l.Evidence, err)
	}
	return true, nil
}

func (s outputStage) output(l *Landing, at time.Time) loop.Output {
	e := l.Claim.Effect
	return loop.Output{
		Key: e.Output.Key, Value: e.Output.Value, ContentType: loop.ContentJSON, Fence: e.Fence, Origin: s.region,
		EffectID: e.ID, RuleID: e.RuleID, WrittenAt: at,
	}
}

// second leaves the output of an effect that the first region landed in the standby's region too: the first one may
// have been lost between its write and the write's replication, and nobody would write it again.
func (s outputStage) second(ctx context.Context, l *Landing) error {
	if !l.Item.Standby {
		return nil
	}
	out := s.output(l, l.Claim.UpdatedAt)
	standing, err := s.outputs.Read(ctx, out.Key)
	if err == nil && standing.CompareVersion(out) >= 0 {
		return nil // replicated in time, as nearly always: a read costs less than a write
	}
	err = s.outputs.Write(ctx, out)
	if err != nil && !errors.Is(err, loop.ErrFenced) {
		return fmt.Errorf("write the output of %s once more: %w", out.EffectID, err)
	}
	return nil
}
