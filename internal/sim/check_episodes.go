package sim

import (
	"context"
	"slices"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// refs are the (rule, key) states that signals of the plan touch, in order.
func (l *ledger) refs() (refs []decide.Ref) {
	for i := range l.plan.Signals {
		s := &l.plan.Signals[i]
		for _, wt := range expect(s) {
			if ref := (decide.Ref{RuleID: wt.rule, Key: s.Subject}); wt.state == enters && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// window reads every entry of a (rule, key), as the first surviving region has them.
func (l *ledger) window(ref decide.Ref) []decide.Entry {
	for _, name := range l.plan.Loop {
		if l.down[name] {
			continue
		}
		seen, err := mem.NewWindows(l.tables, name).Around(context.Background(), ref, decide.Look{})
		if err != nil {
			panic(err) // the table wrote them itself
		}
		return seen.Entries
	}
	return nil
}

// entries are all window entries, by (signal, rule).
func (l *ledger) entries() map[pair]decide.Entry {
	found := map[pair]decide.Entry{}
	for _, ref := range l.refs() {
		for _, e := range l.window(ref) {
			found[pair{e.Pos.SignalKey, ref.RuleID}] = e
		}
	}
	return found
}

// episodes is P2 for episodes: one opens only after the one before closed, in the order of event time; and the state
// at the end is that of one ordered delivery.
func (l *ledger) episodes() {
	l.groups()
	for _, ref := range l.refs() {
		var last loop.Position
		open := false
		for _, id := range l.book.order[ref] {
			t := l.book.transitions[id]
			if opens := t.Decision.Phase == loop.PhaseDo; opens == open || t.At.Compare(last) < 0 {
				l.violate("P2", "%s %s: %s at %s follows open=%v at %s", ref.RuleID, ref.Key, t.Decision.Phase,
					t.At.Time.Format(time.TimeOnly), open, last.Time.Format(time.TimeOnly))
			}
			open, last = t.Decision.Phase == loop.PhaseDo, t.At
		}
		entries := l.window(ref)
		if ref.RuleID == "silent" && !open && len(entries) > 0 && !l.anyLost { // the run ends in silence
			l.violate("P1", "%s fell silent, and nobody noticed", ref.Key)
		}
		if want := reference(ref.RuleID, entries); l.sameView(entries) && l.revisable(ref, entries) && want != open {
			l.violate("P2", "%s %s ends with open=%v; an ordered delivery ends with open=%v", ref.RuleID, ref.Key, open, want)
		}
	}
}

// sameView says whether one region at least got to see every entry: with two loop regions each gets a copy of every
// signal. With three, a copy goes to one peer only, and what replication held back from the third for longer than
// the standby delay is not looked at again (DESIGN section 4). A signal that was refused may have left one copy and so an
// entry in one region only.
func (l *ledger) sameView(entries []decide.Entry) bool {
	for _, e := range entries {
		if !e.Tick && !l.mirrored[e.Pos.SignalKey] {
			return false
		}
	}
	if len(l.plan.Loop) < 3 && !l.anyLost {
		return true
	}
	for _, f := range l.plan.Faults {
		switch f.Kind {
		case Unlinked, Cut, Kill, Stop, Bad:
			return false
		default:
		}
	}
	return true
}

// revisable says whether every entry came while the past could still be told anew: within the lateness by the clock
// (docs/rules.md). A window that only counts does not need that: its verdicts at the newest entries depend on no flip.
func (l *ledger) revisable(ref decide.Ref, entries []decide.Entry) bool {
	if ref.RuleID == "burst" || ref.RuleID == "level" {
		return true
	}
	for _, e := range entries {
		if l.book.entered[pair{e.Pos.SignalKey, ref.RuleID}].After(e.Pos.Time.Add(2 * time.Minute)) {
			return false
		}
	}
	return true
}
