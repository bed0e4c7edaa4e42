package act

import (
	"context"

	"example.com/unbroken/internal/loop"
)

// killStage stops what a kill switch is on for. It is the only thing that counts as of now and not as of the
// acceptance: whoever pulls it wants nothing more to go out, old or new. It stands before what is counted, and once more
// right before the send; what it goes by is never older than loop.ControlsAge.
//
// What was surely not sent is suppressed, so that nothing bursts out when the switch is off again. What may have been
// applied, and every undo that comes as far as this, is parked: somebody has to look, and `parked retry` goes on with it.
type killStage struct{ controls *controls }

func (s killStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	if l.Status != "" || l.Again > 0 || l.Claim.Effect.Regression != nil { // which sends nothing
		return true, nil
	}
	c, err := l.controls, error(nil)
	if !l.Unclaimed {
		c, err = s.controls.get(ctx)
	}
	if err != nil { // not known, so not sent
		l.giveBack(err)
		return true, nil
	}
	e := l.Claim.Effect
	k, on := c.Killed(e.RuleID)
	if !on {
		return true, nil
	}
	what := "the rule was stopped"
	if k.Scope == loop.ScopeAll {
		what = "all rules were stopped"
	}
	l.suppress(ReasonKilled, "%s by %s: %s", what, k.By, k.Reason)
	switch {
	case e.Phase == loop.PhaseUndo:
		l.park("what it takes back was done; retry it when the rule is revived")
	case l.Takeover || l.Claim.Attempt > 0:
		l.park("an earlier attempt may have been applied; " + lastAnswer(l.Claim))
	}
	return true, nil
}

// park makes of a suppression a claim that a person must look at.
func (l *Landing) park(why string) {
	l.Status, l.Reason = loop.StatusParked, ""
	l.Evidence += "; " + why
}
