package sim

import (
	"context"
	"slices"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// stateful are the rules with episodes and what they count.
func stateful() map[string]loop.Window {
	return map[string]loop.Window{
		"burst": {Count: 3, Within: loop.Duration(time.Minute)},
		"level": {Count: 1, Within: loop.Duration(5 * time.Minute)},
	}
}

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
		entries, err := mem.NewWindows(l.tables, name).Around(context.Background(), ref, loop.Position{}, time.Time{}, 0)
		if err != nil {
			panic(err) // the table wrote them itself
		}
		return entries
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
	for _, ref := range l.refs() {
		var last loop.Position
		open := false
		for _, id := range l.book.order[ref] {
			t := l.book.transitions[id]
			if opens := t.Decision.Phase == loop.PhaseDo; opens == open || !t.At.After(last) {
				l.violate("P2", "%s %s: %s at %s follows open=%v at %s", ref.RuleID, ref.Key, t.Decision.Phase,
					t.At.Time.Format(time.TimeOnly), open, last.Time.Format(time.TimeOnly))
			}
			open, last = t.Decision.Phase == loop.PhaseDo, t.At
		}
		entries := l.window(ref)
		if want := reference(entries, stateful()[ref.RuleID]); l.sameView(entries) && want != open {
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
		if !l.mirrored[e.Pos.SignalKey] {
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

// reference reads a window in the plainest way: one pass over the signals in their order.
func reference(entries []decide.Entry, w loop.Window) (open bool) {
	seen := map[string]bool{}
	var hits []time.Time
	for _, e := range entries { // sorted; the first of a signal counts
		if seen[e.Pos.SignalKey] {
			continue
		}
		seen[e.Pos.SignalKey] = true
		if e.Clear {
			open = false
			continue
		}
		hits = append(hits, e.Pos.Time)
		n := 0
		for _, h := range hits {
			if e.Pos.Time.Sub(h) < w.Within.Std() {
				n++
			}
		}
		open = open || n >= w.Count
	}
	return open
}
