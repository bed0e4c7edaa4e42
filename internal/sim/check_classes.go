package sim

import (
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// checkFenced: the target refuses what is older, so that its fences never fall; and it lives.
func checkFenced(l *ledger, c loop.Claim, got []mem.Request) {
	if applied(got) > 1 {
		l.violate("P2", "%s of %s (fenced) took effect %d times", short(c.EffectID), c.Effect.RuleID, applied(got))
	}
	if c.Status == loop.StatusDone && len(got) == 0 {
		l.violate("P1", "%s of %s is done and never reached its target", short(c.EffectID), c.Effect.RuleID)
	}
}

// checkSet: once nothing is under way any more, the resource holds what the newest done effect wrote.
func checkSet(l *ledger, c loop.Claim, got []mem.Request) {
	holds, ok := l.targets.Holds(c.Effect)
	switch {
	case c.Status != loop.StatusDone:
	case !ok:
		l.violate("P1", "%s of %s is done and its resource holds nothing", short(c.EffectID), c.Effect.RuleID)
	case holds.Fence < c.Effect.Fence:
		l.violate("P2", "the resource of %s holds an older value than %s wrote", c.Effect.RuleID, short(c.EffectID))
	}
	_ = got
}

// checkOnce: one request at most; and where it may have been sent without a clear answer, a person was asked.
func checkOnce(l *ledger, c loop.Claim, got []mem.Request) {
	switch {
	case len(got) > 1:
		l.violate("P2", "%s of %s (once) was sent %d times", short(c.EffectID), c.Effect.RuleID, len(got))
	case len(got) == 1 && c.Status != loop.StatusDone && c.Status != loop.StatusParked:
		l.violate("P1", "%s of %s (once) was sent and ended %s in silence", short(c.EffectID), c.Effect.RuleID, c.Status)
	case len(got) == 0 && c.Status == loop.StatusDone:
		l.violate("P1", "%s of %s is done and never reached its target", short(c.EffectID), c.Effect.RuleID)
	}
}
