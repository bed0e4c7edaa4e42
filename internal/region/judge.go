package region

import (
	"maps"
	"slices"
	"time"
)

// Judge returns the state of every region at now: what is written, or the flip that is due. A flip has Since now.
// All loop regions are to be in views; one of which nothing is known is active.
func Judge(now time.Time, views map[string]View) map[string]Entry {
	states := map[string]Entry{}
	for name, v := range views {
		states[name] = v.Now(now)
	}
	// In the order of names, each seeing what became of those before it: two that would leave nobody do not both go.
	for _, name := range slices.Sorted(maps.Keys(views)) {
		v, s := views[name], states[name]
		dwelt := now.Sub(s.Since)
		switch {
		case s.Pins():
		case s.State == Drained && dwelt >= MinDrained && v.well(now):
			states[name] = Entry{State: Active, Since: now}
		case s.State == Active && dwelt >= MinActive && v.Objections(now) >= Quorum && elsewhere(now, name, views, states):
			states[name] = Entry{State: Drained, Since: now}
		}
	}
	return states
}

// Refuses says whether the region takes no new signals: it is drained, by order or while another region can take them.
//
//	state    newest order   another region is active and
//	                        fewer than two object to it    refuses
//	active   any            any                            no
//	drained  drain          any                            yes: a person said so
//	drained  another, none  yes                            yes
//	drained  another, none  no                             no: nobody else would take them
//
// Freeze is among the others: it holds a state, and does not ask for an outage.
func Refuses(now time.Time, name string, views map[string]View) bool {
	states := Judge(now, views)
	s := states[name]
	return s.State == Drained && (s.Order == Drain || elsewhere(now, name, views, states))
}

// elsewhere says whether another region can take the signals: active, and without two who object.
func elsewhere(now time.Time, name string, views map[string]View, states map[string]Entry) bool {
	for other, s := range states {
		if other != name && s.State == Active && views[other].Objections(now) < Quorum {
			return true
		}
	}
	return false
}
