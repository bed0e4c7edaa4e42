package rule

import "example.com/unbroken/internal/loop"

// bound tells act what keeps the effect within bounds. Its fallback, which is rendered by now, is not bound: it lands
// only where the effect itself was let through and given up. Nor is an undo: what was done is taken back however often.
func (p *Program) bound(s *step, effect *loop.Effect) {
	effect.Shadow, effect.Approval = p.rule.Mode == loop.ModeShadow, s.approval
	effect.SendUnclaimed = s.action.config.OnOutage == loop.OutageSend
	if effect.Phase == loop.PhaseDo {
		effect.Throttle, effect.Budget = p.rule.Throttle, p.rule.Guard.MaxPerHour
		if p.Guarded() {
			effect.Watched = p.rule.Guard.Within
		}
	}
}
