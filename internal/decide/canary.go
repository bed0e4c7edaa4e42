package decide

import (
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// canaryTimeout bounds one attempt to write a receipt.
const canaryTimeout = loop.Duration(3 * time.Second)

// isCanary asks, of what has a canary's type, for the source as well: that one nobody outside can have.
func isCanary(w *work) bool {
	return rule.NewEvent(w.item.Signal, w.item.AcceptedAt).Source() == loop.CanarySource
}

// canary is the rule that is built in: a receipt for every canary, and no other rule sees one.
func canary(w *work, out *found) {
	pos := rule.NewEvent(w.item.Signal, w.item.AcceptedAt).Position()
	d := loop.Decision{
		ID: loop.SignalDecisionID(pos.SignalKey, loop.CanaryRule), RuleID: loop.CanaryRule, Key: w.item.Input,
		Phase: loop.PhaseGuard, SignalKey: pos.SignalKey,
	}
	d.Effects = []loop.Effect{{
		ID: loop.EffectID(d.ID, loop.TargetReceipt), DecisionID: d.ID, RuleID: d.RuleID, Key: d.Key, Phase: d.Phase,
		Step: loop.TargetReceipt, Action: loop.CanaryRule, SignalKey: pos.SignalKey, Target: loop.TargetReceipt,
		Class: loop.ClassNative, Fence: loop.SignalFence(pos), Timeout: canaryTimeout, ExpireAfter: loop.Duration(loop.CanaryKeep),
	}}
	out.decisions = append(out.decisions, decided{w, d})
}
