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
	if !l.oneLossOnly() {
		return
	}
	from := map[string]time.Time{} // effect → since when it is due
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
		for _, t := range l.book.transitions {
			if t.Decision.SignalKey == key {
				for _, e := range t.Decision.Effects {
					keep(from, e.ID, a.at)
				}
			}
		}
	}
	for _, id := range l.ids {
		since, due := from[id]
		c := l.claims[id]
		if !due || !c.Status.Terminal() {
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

// oneLossOnly says whether nothing but the loss of one region, if that, went wrong.
func (l *ledger) oneLossOnly() bool {
	for _, f := range l.plan.Faults {
		if f.Kind != Kill {
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
