package decide

import (
	"example.com/unbroken/internal/rule"
)

// observation is what one signal in hand means to a stateful rule.
type observation struct {
	work  *work
	entry Entry
	joins *joining // where it is about a group
}

// entryOf says what a signal that the rule's pattern takes means to its window, and whether it means anything.
// when says whether the rule's condition holds.
func entryOf(p *rule.Program, event *rule.Event, when bool) (e Entry, counts bool, err error) {
	r := p.Rule()
	e.Pos = event.Position()
	if r.Window.Absent > 0 {
		return e, when, nil
	}
	aggregates, all := r.Window.Of != "", len(r.Window.All) > 0
	if r.Until != "" || !aggregates && !all { // these two close when they no longer hold, not by one signal
		if e.Clear, err = p.Until(event, when); err != nil {
			return e, false, err
		}
	}
	switch {
	case all:
		if !e.Clear {
			e.Met, err = p.Met(event)
		}
		return e, e.Clear || e.Met != 0, err
	case aggregates:
		e.Miss = !when
		if when {
			e.Value, err = p.Value(event)
		}
		return e, when || e.Clear, err
	case r.Window.For > 0:
		e.Miss = !when
		return e, true, nil
	}
	return e, when || e.Clear, nil
}
