package sim

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// bound is P3: the standby delay and five seconds.
func (w *World) bound() time.Duration { return w.bundles[0].config.StandbyDelay.Std() + 5*time.Second }

// bounded is P3. It speaks where nothing but one region was lost: what was accepted before has landed within the
// bound of the loss, what came later within the bound of its acceptance.
func (l *ledger) bounded() {
	l.unclaimed()
	if !l.oneLossOnly() {
		return
	}
	from := map[string]time.Time{}     // effect → since when it is due
	accepted := map[string]time.Time{} // signal → since when it is
	for _, a := range l.book.accepted {
		if a.copies < 2 && a.Input != "loose" || !l.survives(a) {
			continue
		}
		key := loop.SignalKey(source, a.ID)
		for _, wt := range expect(a.Planned) {
			must, _ := wt.effects(key)
			for _, id := range must {
				keep(from, id, a.at)
			}
		}
		keep(accepted, key, a.at)
	}
	// A transition is due when both the signal at which it happened and the one that completed the picture were there.
	for _, t := range l.book.transitions {
		at, known := accepted[t.At.SignalKey]
		trigger, triggered := accepted[t.Decision.SignalKey]
		for _, e := range t.Decision.Effects {
			if known && triggered {
				from[e.ID] = at
				if trigger.After(at) {
					from[e.ID] = trigger
				}
			}
		}
	}
	for _, id := range l.ids {
		since, due := from[id]
		c := l.claims[id]
		if !due || !c.Status.Terminal() || c.ApprovedBy != "" { // the person took that long
			continue
		}
		if len(l.killed) > 0 && l.killed[0].After(since) {
			since = l.killed[0]
		}
		took := c.UpdatedAt.Sub(since)
		l.result.Slowest = max(l.result.Slowest, took)
		if took > l.bound() {
			l.violate("P3", "%s of %s ended %s after it was due", short(id), c.Effect.RuleID, seconds(took))
		}
	}
}

// unclaimed is P3 for actions that say on_claims_outage: send, where nothing is wrong but that `claims` cannot be
// reached from anywhere: they do not wait for it.
func (l *ledger) unclaimed() {
	if len(l.plan.Faults) != 1 || l.plan.Faults[0].Point != AnyClaims || l.plan.Faults[0].Region != "" || l.plan.Faults[0].Kind != Fail {
		return
	}
	for _, a := range l.book.accepted {
		for _, wt := range expect(a.Planned) {
			must, _ := wt.effects(loop.SignalKey(source, a.ID))
			if wt.rule != "urgent" || len(must) == 0 {
				continue
			}
			if got := l.requests[must[0]]; len(got) == 0 || got[0].At.Sub(a.at) > l.bound() {
				l.violate("P3", "%s of urgent waited for claims", short(must[0]))
			}
		}
	}
}

// oneLossOnly says whether nothing but the loss of one region, if that, went wrong: it is gone, is drained, or decides
// nothing.
func (l *ledger) oneLossOnly() bool {
	for _, f := range l.plan.Faults {
		switch f.Kind {
		case Kill, Drain, Bad:
		default:
			return false
		}
	}
	return len(l.plan.Faults) <= 1
}

// keep keeps the earliest time.
func keep(m map[string]time.Time, id string, at time.Time) {
	if old, ok := m[id]; !ok || at.Before(old) {
		m[id] = at
	}
}
