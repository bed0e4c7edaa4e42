package sim

import (
	"strings"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// let says whether an effect was let through: it was done, or its target was called.
func (l *ledger) let(c loop.Claim) bool {
	return c.Status == loop.StatusDone || len(l.requests[c.EffectID]) > 0
}

func suppressedBy(c loop.Claim, r act.Reason) bool {
	return c.Status == loop.StatusSuppressed && strings.HasPrefix(c.Evidence, string(r)+": ")
}

// of are the dos of a rule, in the order of their ids.
func (l *ledger) of(rule string) (dos []loop.Claim) {
	for _, id := range l.ids {
		if c := l.claims[id]; c.Effect.RuleID == rule && c.Effect.Phase == loop.PhaseDo {
			dos = append(dos, c)
		}
	}
	return dos
}

// limits judges what rules bound themselves by: nothing beyond the bound was let through, and nothing was suppressed
// that was within it. What a kill switch stops after it was counted is taken out of the count again, and what it kept out
// meanwhile stays out.
func (l *ledger) limits() {
	l.throttled()
	l.budgeted()
	l.regressed()
	for _, id := range l.ids {
		c := l.claims[id]
		asks := c.Effect.RuleID == "ask" || c.Effect.RuleID == "ping" || c.Effect.RuleID == "pong"
		if asks && c.ApprovedBy == "" && l.let(c) {
			l.violate("P2", "%s of %s was sent, and nobody approved it", short(id), c.Effect.RuleID)
		}
	}
}

// throttled: of two tasks of one key within a minute, rule `calm` does one.
func (l *ledger) throttled() {
	dos := l.of("calm")
	for i, a := range dos {
		near := false
		for j, b := range dos {
			if i == j || a.Effect.Key != b.Effect.Key || a.AcceptedAt.Sub(b.AcceptedAt).Abs() >= time.Minute {
				continue
			}
			near = near || b.Status != loop.StatusSuppressed
			if i < j && l.let(a) && l.let(b) {
				l.violate("P2", "%s and %s of calm were accepted %s apart, and both were done", short(a.EffectID), short(b.EffectID), a.AcceptedAt.Sub(b.AcceptedAt).Abs())
			}
		}
		if suppressedBy(a, act.ReasonThrottle) && !near && !l.watch.everStopped("calm") {
			l.violate("P1", "%s of calm is throttled by nothing", short(a.EffectID))
		}
	}
}

// budgeted: rule `capped` does three tasks of an hour.
func (l *ledger) budgeted() {
	const most = 3
	let, others := map[time.Time]int{}, map[time.Time]int{}
	hour := func(c loop.Claim) time.Time { return c.AcceptedAt.Truncate(time.Hour) }
	dos := l.of("capped")
	for _, c := range dos {
		if c.Status != loop.StatusSuppressed {
			others[hour(c)]++
		}
		if l.let(c) {
			let[hour(c)]++
		}
	}
	for _, c := range dos {
		switch {
		case let[hour(c)] > most:
			l.violate("P2", "capped did %d tasks in one hour", let[hour(c)])
		case suppressedBy(c, act.ReasonBudget) && others[hour(c)] < most && !l.watch.everStopped("capped"):
			l.violate("P1", "%s of capped is beyond a budget that %d used", short(c.EffectID), others[hour(c)])
		}
	}
}

// regressed: rule `tuned` stops itself with the second do of a day that something worse follows, and not before.
func (l *ledger) regressed() {
	against, told := map[string]bool{}, false
	for _, id := range l.ids {
		c := l.claims[id]
		if c.Effect.Phase != loop.PhaseGuard || c.Status != loop.StatusDone {
			continue
		}
		if _, decision, counts := strings.Cut(c.Evidence, "counts against decision "); counts {
			against[decision[:12]] = true
		}
		told = told || strings.Contains(c.Evidence, "stopped itself")
	}
	itself := false
	for _, s := range l.watch.stops {
		itself = itself || s.Scope == "tuned" && s.By != person
	}
	switch stopped := l.watch.everStopped("tuned"); {
	case len(against) > 1 && !stopped:
		l.violate("P2", "something worse followed %d dos of tuned, and it went on", len(against))
	case told && !stopped:
		l.violate("P2", "tuned says that it stopped itself, and did not")
	case itself && !told && !l.anyLost:
		l.violate("P6", "tuned stopped itself, and no claim says why")
	}
}

// orders judges what people asked for. Kill switches are also watched at every send.
func (l *ledger) orders() {
	for _, id := range l.ids {
		c := l.claims[id]
		if suppressedBy(c, act.ReasonKilled) && !l.watch.wasStopped(c.Effect.RuleID, c.AcceptedAt, c.UpdatedAt) {
			l.violate("P1", "%s of %s is suppressed by a kill switch that was not on", short(id), c.Effect.RuleID)
		}
		covered := false
		for _, s := range l.watch.silences {
			in := loop.Controls{Silences: []loop.Silence{s.Silence}}
			_, covers := in.Silenced(c.Effect, c.AcceptedAt)
			covered = covered || covers
			known := !c.AcceptedAt.Before(s.stored.Add(loop.ControlsAge)) // a person may have been slow to get it stored
			if covers && known && c.Effect.Phase == loop.PhaseDo && l.let(c) {
				l.violate("P2", "%s of %s was done in a silence", short(id), c.Effect.RuleID)
			}
		}
		if suppressedBy(c, act.ReasonSilence) && !covered {
			l.violate("P1", "%s of %s is suppressed by no silence", short(id), c.Effect.RuleID)
		}
	}
}
