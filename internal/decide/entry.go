package decide

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// Entry is what one signal means to a (rule, key): a hit, unless something else is said. A signal that clears never
// hits.
type Entry struct {
	Pos   loop.Position `json:"-"`
	Clear bool          `json:"clear,omitempty"` // `until` holds: it closes an open episode
	Miss  bool          `json:"miss,omitempty"`  // `when` does not hold: it interrupts what must hold, and is no sample
	Value float64       `json:"value,omitempty"` // what an aggregate is made of
	Tick  bool          `json:"tick,omitempty"`  // a timer's: it says what time it is
	Met   uint64        `json:"met,omitempty"`   // the conditions of an `all` window that it meets, a bit each
}

// Hit says whether the entry may open an episode.
func (e Entry) Hit() bool { return !e.Clear && !e.Miss && !e.Tick }

// verdict is what one entry, seen with those before it, makes of an episode.
type verdict uint8

const (
	keeps  verdict = iota // open stays open, closed stays closed
	opens                 //
	closes                //
)

func (v verdict) of(open bool) bool { return v == opens || v == keeps && open }

// judge judges entries, which are in order and one per signal, each by what stands before it: entry i by
// entries[:i+1]. Verdicts are wanted from index `from` on. They are made of the entries' values and order in event
// time only; that is why the state after all entries does not depend on how they arrived.
type judge func(entries []Entry, from int) []verdict

// window is one kind of window, ready to look and to judge.
type window struct {
	span   time.Duration // how far back of an entry others count
	before func(at loop.Position) LookBehind
	expect int
	judge  judge
	bound  int
}

func (w window) look(at loop.Position) Look {
	return Look{
		At: at, After: at.Time.Add(-w.span), Expect: w.expect, Limit: w.bound,
		Before: func() LookBehind { return w.before(at) },
	}
}

// Expect of windows that want all of a span, and of those that want one or two entries.
const (
	manyExpected = 1000
	fewExpected  = 2
)

func everything(loop.Position) LookBehind {
	return func(Entry) (want, more bool) { return true, true }
}

// windowOf finds the kind of a rule's window.
func windowOf(r loop.Rule) window {
	w, latch := *r.Window, r.Until != ""
	var k window
	switch {
	case w.For > 0:
		k = holdWindow(w, latch)
	case w.Of != "":
		k = aggregateWindow(w, latch)
	case len(w.All) > 0:
		k = allWindow(w, latch)
	case w.Absent > 0:
		k = absentWindow(w)
	default:
		k = countWindow(w)
	}
	k.bound = w.Bound()
	return k
}
