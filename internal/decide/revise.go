package decide

import (
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// Flip is a change of an episode's state.
type Flip struct {
	At   loop.Position `json:"at"`
	Open bool          `json:"open"`
}

// maxFlips bounds the flips an episode remembers. Only a key that flaps more often within the allowed lateness has
// more; there a late entry is judged by what came after e.Last only.
const maxFlips = 64

// judged is a stretch of entries with a verdict on each from index `from` on.
//
// Transitions say what was made known, and stand. An episode's flips are what one ordered delivery of all that is
// known now would have done. Where a late entry tells another story of the past, the flips are rewritten, and the
// next transition makes the episode's state theirs:
//
//	flips, ordered:      open at 10, clear at 20
//	known before 12:     open at 10                    transition: do at 10
//	late, at 9: no hit   never opened                  transition: undo at the newest entry
type judged struct {
	entries  []Entry
	verdicts []verdict
	from     int
	lateness time.Duration
	now      time.Time
}

// settle gives the transitions that the entries call for, oldest first, and e's flips as they are known now. Where
// what is known of e.Last itself has changed and nothing came after it, there is a transition at e.Last.
func (j judged) settle(e Episode) (changes, flips []Flip) {
	e.Flips = e.begun()
	start, state, open := j.from, e.Open, e.Open
	if j.revises(e) {
		state = e.before(j.entries[start].Pos)
	} else {
		for start < len(j.entries) && !j.entries[start].Pos.After(e.Last) {
			start++
		}
	}
	if start >= len(j.entries) {
		return nil, e.Flips
	}
	for _, f := range e.Flips {
		if f.At.Compare(j.entries[start].Pos) < 0 {
			flips = append(flips, f)
		}
	}
	for i, entry := range j.entries[start:] {
		if now := j.verdicts[start+i].of(state); now != state {
			flips, state = append(flips, Flip{At: entry.Pos, Open: now}), now
		}
		if entry.Pos.After(e.Last) && state != open {
			changes, open = append(changes, Flip{At: entry.Pos, Open: state}), state
		}
	}
	if state != open {
		changes = append(changes, Flip{At: e.Last, Open: state})
	}
	return changes, flips
}

// revises says whether the entries reach back to what e's flips tell of, and whether that may be told anew: what it
// was made of must still be there. Entries are kept for their span and twice the lateness. So for as long as the
// lateness after the flips were written, none has expired that a late entry's verdict is made of; a signal that is
// redriven days later meets none of them, and must not close what they opened. And the entries must be all that the
// flips were made of: one that another region has and this one does not yet would be taken for one that never was. Then
// the past stands as told, and the standby copy, which comes where that entry is, tells it anew. A tick says nothing
// without the signal that it is counted from.
func (j judged) revises(e Episode) bool {
	if j.from >= len(j.entries) || len(e.Flips) == 0 {
		return false
	}
	first, tip := j.entries[j.from].Pos, e.Last
	if newest := e.Flips[len(e.Flips)-1].At; newest.After(tip) {
		tip = newest
	}
	return !first.After(tip) && first.After(e.Flips[0].At) &&
		!first.Time.Before(tip.Time.Add(-j.lateness)) && !j.now.After(e.MovedAt.Add(j.lateness)) && j.knows(e, first)
}

// knows says whether all entries from `first` on are there at which e is known to have changed.
func (j judged) knows(e Episode, first loop.Position) bool {
	there := func(at loop.Position) bool {
		if at.Compare(first) < 0 {
			return true
		}
		if i, ok := slices.BinarySearchFunc(j.entries, at, func(e Entry, at loop.Position) int { return e.Pos.Compare(at) }); ok {
			// A tick says nothing without a signal that it is counted from.
			return !j.entries[i].Tick || slices.ContainsFunc(j.entries[:i], func(e Entry) bool { return !e.Tick })
		}
		// A signal that came twice counts at the earlier of its times.
		return slices.ContainsFunc(j.entries, func(e Entry) bool { return e.Pos.SignalKey == at.SignalKey })
	}
	return there(e.Last) && !slices.ContainsFunc(e.Flips, func(f Flip) bool { return !there(f.At) })
}

// begun are the flips of an episode that has none yet, or that a version without flips has stored.
func (e Episode) begun() []Flip {
	if len(e.Flips) > 0 {
		return e.Flips
	}
	return []Flip{{At: e.Last, Open: e.Open}}
}

// before is the state just before a position, by the flips.
func (e Episode) before(at loop.Position) (open bool) {
	for _, f := range e.Flips {
		if f.At.Compare(at) < 0 {
			open = f.Open
		}
	}
	return open
}

// recent leaves out the flips that no late entry can reach behind, but for one to begin with.
func (j judged) recent(flips []Flip) []Flip {
	horizon := j.entries[len(j.entries)-1].Pos.Time.Add(-j.lateness)
	for len(flips) > 1 && (flips[1].At.Time.Before(horizon) || len(flips) > maxFlips) {
		flips = flips[1:]
	}
	return flips
}

func sameFlips(a, b []Flip) bool {
	return slices.EqualFunc(a, b, func(a, b Flip) bool { return a.At.Compare(b.At) == 0 && a.Open == b.Open })
}
