package act

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// emitStage sends what follows from a final state: the fallback of an effect that was given up, the timer of one that
// must prove itself, and an outcome signal where some rule wants to hear of it. Whoever finds the claim terminal emits
// again, the standby copy too: the ids are the same, so copies collapse, and a region lost between commit and emit
// loses nothing. What a standby copy says is a standby's: who lands what follows from it leaves the outputs here, too.
type emitStage struct {
	queue  Queue
	region string
	now    func() time.Time
}

func (s emitStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	if l.Status == loop.StatusParked && l.Claim.GivenUp && e.Fallback != nil {
		if err := s.fallBack(ctx, l); err != nil {
			return false, err
		}
	}
	if l.Status == loop.StatusDone && e.Verify != nil {
		if err := s.startVerification(ctx, l); err != nil {
			return false, err
		}
	}
	if !slices.Contains(e.Emit, l.Status) || l.Item.Hops >= loop.MaxHops {
		return true, nil
	}
	signal, err := loop.Marshal(outcome(l.Claim))
	if err != nil {
		return false, fmt.Errorf("encode outcome of %s: %w", e.ID, err)
	}
	body, err := loop.Encode(loop.Item{
		AcceptedAt: l.Claim.UpdatedAt, Input: l.Item.Input, Standby: l.Item.Standby, Hops: l.Item.Hops + 1,
		Cause: append(slices.Clone(l.Item.Cause), e.SignalKey), Signal: signal,
	})
	if err != nil {
		return false, fmt.Errorf("encode outcome of %s: %w", e.ID, err)
	}
	if err := s.queue.Send(ctx, s.region, loop.QueueSignals, []loop.Outgoing{{Body: body, Group: l.Item.Input}})[0]; err != nil {
		return false, fmt.Errorf("emit outcome of %s: %w", e.ID, err)
	}
	return true, nil
}

// startVerification sends the timer that looks whether what was done has worked. What was not done, for whatever
// reason, starts none. The peer's timer is sent by the peer's act, when its copy of the effect finds the claim done.
func (s emitStage) startVerification(ctx context.Context, l *Landing) error {
	timer, err := loop.VerifyTimer(l.Claim, l.Item)
	if err != nil {
		return err
	}
	body, err := loop.Encode(timer)
	if err != nil {
		return fmt.Errorf("encode the verification of %s: %w", l.Claim.EffectID, err)
	}
	// Decide sends it on its further legs.
	delay := max(min(timer.AcceptedAt.Sub(s.now()), loop.MaxLeg), 0)
	if err := s.queue.Send(ctx, s.region, loop.QueueSignals, []loop.Outgoing{{Body: body, Delay: delay, Group: timer.Input}})[0]; err != nil {
		return fmt.Errorf("start the verification of %s: %w", l.Claim.EffectID, err)
	}
	return nil
}

// fallBack hands the fallback to act as an effect of its own. Its time runs from when the first one was given up.
func (s emitStage) fallBack(ctx context.Context, l *Landing) error {
	fallback := *l.Claim.Effect.Fallback
	fallback.Why = l.Claim.Effect.Why
	fallback.Verify = l.Claim.Effect.Verify // it stands for the first one
	body, err := loop.Encode(loop.Item{
		AcceptedAt: l.Claim.UpdatedAt, Input: l.Item.Input, Standby: l.Item.Standby, Hops: l.Item.Hops, Cause: l.Item.Cause, Effect: &fallback,
	})
	if err != nil {
		return fmt.Errorf("encode the fallback of %s: %w", l.Claim.EffectID, err)
	}
	if err := s.queue.Send(ctx, s.region, loop.QueueActions, []loop.Outgoing{{Body: body, Group: fallback.Action}})[0]; err != nil {
		return fmt.Errorf("send the fallback of %s: %w", l.Claim.EffectID, err)
	}
	return nil
}

// outcome is made from the claim alone, so that every emission has the same bytes.
func outcome(c loop.Claim) loop.Signal {
	data, err := loop.Marshal(map[string]any{
		"effect": c.EffectID, "decision": c.Effect.DecisionID, "rule": c.Effect.RuleID, "key": c.Effect.Key,
		"phase": c.Effect.Phase, "step": c.Effect.Step, "action": c.Effect.Action,
		"status": c.Status, "attempt": c.Attempt, "evidence": c.Evidence,
	})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return loop.Signal{
		ID: loop.OutcomeID(c.EffectID, c.Status), Source: loop.OwnSourcePrefix + "act",
		Type: loop.OutcomeTypePrefix + string(c.Status), Subject: c.Effect.Key, Time: c.UpdatedAt,
		DataContentType: "application/json", Data: data,
	}
}
