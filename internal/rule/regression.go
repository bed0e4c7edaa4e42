package rule

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// What an effect of Phase guard has in place of an action's bounds: it only counts.
const (
	regressionStep    = "regression"
	regressionTimeout = loop.Duration(5 * time.Second)
)

// Guarded says whether signals that are worse count against the rule. One that does nothing makes nothing worse.
func (p *Program) Guarded() bool {
	return p.rule.Guard.MaxRegressions > 0 && p.rule.Mode == loop.ModeEnforce
}

// Worse says whether the signal is worse than what the rule acts on.
func (p *Program) Worse(ev *Event) (holds bool, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return false, err
	}
	if p.worse == nil {
		return false, nil
	}
	holds, err = p.worse.evalBool(ev.conditions(p.id))
	return holds, inField("guard.worse", err)
}

// Regression is the decision about a signal that is worse: one effect, by which act counts it.
func (p *Program) Regression(ev *Event, key string) loop.Decision {
	id := loop.RegressionID(ev.Key(), p.rule.ID)
	g := p.rule.Guard
	return loop.Decision{
		ID: id, RuleID: p.rule.ID, Key: key, Phase: loop.PhaseGuard, SignalKey: ev.Key(),
		Effects: []loop.Effect{{
			ID: loop.EffectID(id, regressionStep), DecisionID: id, RuleID: p.rule.ID, Key: key, Phase: loop.PhaseGuard,
			Step: regressionStep, Action: regressionStep, SignalKey: ev.Key(), Target: loop.TargetRegression, Class: loop.ClassNative,
			Fence: loop.SignalFence(ev.Position()), Timeout: regressionTimeout, ExpireAfter: defaultExpireAfter, Emit: p.set.emit,
			Regression: &loop.Regression{Most: g.MaxRegressions, Within: g.Within},
		}},
	}
}
