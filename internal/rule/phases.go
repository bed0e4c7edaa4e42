package rule

import "example.com/unbroken/internal/loop"

// phaseSteps are the steps of one phase of a rule, and the field that they stand in.
type phaseSteps struct {
	phase loop.Phase
	field string
	steps []loop.Step
}

// phasesOf are all that the rule may do.
func phasesOf(r loop.Rule) []phaseSteps {
	phases := []phaseSteps{{loop.PhaseDo, "do", r.Do}, {loop.PhaseUndo, "undo", r.Undo}}
	if r.Verify != nil {
		phases = append(phases, phaseSteps{loop.PhaseElse, "verify.else", r.Verify.Else})
	}
	return phases
}
