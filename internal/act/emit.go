package act

import (
	"context"
	"fmt"
	"slices"

	"example.com/unbroken/internal/loop"
)

// emitStage sends what follows from a final state: the fallback of an effect that was given up, and an outcome
// signal where some rule wants to hear of it. Whoever finds the claim terminal emits again, the standby copy too:
// the ids are the same, so copies collapse, and a region lost between commit and emit loses nothing.
type emitStage struct {
	queue  Queue
	region string
}

func (s emitStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	e := l.Claim.Effect
	if l.Status == loop.StatusParked && l.Claim.GivenUp && e.Fallback != nil {
		if err := s.fallBack(ctx, l); err != nil {
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
		AcceptedAt: l.Claim.UpdatedAt, Input: l.Item.Input, Hops: l.Item.Hops + 1,
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

// fallBack hands the fallback to act as an effect of its own. Its time runs from when the first one was given up.
func (s emitStage) fallBack(ctx context.Context, l *Landing) error {
	fallback := *l.Claim.Effect.Fallback
	fallback.Why = l.Claim.Effect.Why
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
