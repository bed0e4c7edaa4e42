// Package region is the state machine of a region: active, or drained of new signals. It is pure, and everyone who has
// to know evaluates the same functions: observers, to write; the region's own health and ingest, to answer; the
// command line, to show. It knows no AWS and no clock.
//
// Facts of a region are entries, `state#{region}`, one a writer, and the observers' verdicts on it. An operator's
// newest order counts before everything; otherwise the newest flip of any writer is the state; otherwise it is active.
//
//	state    what happens                                              becomes
//	any      an operator orders drain                                  drained, and stays until the next order
//	any      an operator orders restore                                active; observers go on from there
//	any      an operator orders freeze                                 what it is, and stays until the next order
//	any      an operator orders unfreeze                               what it is; observers go on from there
//	active   two fresh verdicts object, MinActive has passed since
//	         the last flip, and another active region has fewer
//	         than two objecting                                        drained
//	active   one fresh verdict objects, or none is fresh               active
//	active   two object to every other active region, too              active: when all look dead, all stay
//	active   it is the last active region                              active
//	drained  two fresh verdicts at least, no fresh one objecting, all
//	         of them well for Sustain, and MinDrained has passed since
//	         the last flip                                             active
//	drained  one fresh verdict objects                                 drained: one voice holds a failback
//	drained  fewer than two verdicts are fresh                         drained: silence is not health
//
// A verdict is fresh for Fresh, counts if it says healthy or not, and is one of the observers of loop.yaml's regions;
// missing data has no voice. Every flip is followed by a dwell, whoever caused it, so that observers drain a region at most
// once in MinDrained + MinActive; an operator's order is no exception for what follows it.
//
// Where observers with different views drain all regions at once, nobody is left: then those drained by observers
// take signals all the same (Refuses), and so they do while every active region has two objecting; frozen ones, too. Whom
// an operator ordered to drain refuses always.
package region

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// State is what a region is meant to do with new signals.
type State string

// States.
const (
	Active  State = "active"
	Drained State = "drained"
)

// The bounds of the table above.
const (
	Quorum = 2                 // verdicts that agree: one observer may lie
	Fresh  = 150 * time.Second // how long a verdict counts: two runs may be missed

	MinActive  = 5 * time.Minute  // between a return and the next drain
	MinDrained = 10 * time.Minute // between a drain and the return
	Sustain    = 3 * time.Minute  // of health before a return
)

// Entry is what one writer wants of the region, `state#{region}` / `{writer}`.
type Entry struct {
	State State     `json:"state"`
	Since time.Time `json:"since"` // of the flip, or of the order
	Order Order     `json:"order,omitempty"`
	By    string    `json:"by,omitempty"`  // who ordered it
	Why   string    `json:"why,omitempty"` // the evidence or the reason

	// Of a flip: Since of what it ended; 1970 where that has none. An order that changes nothing carries on the name of what
	// it leaves as it is.
	After time.Time `json:"after,omitzero"`

	// Of an order that left the region drained: since when it has been.
	Drained time.Time `json:"drained,omitzero"`

	// The loop's name in DNS, where a person took the region out of it by the control plane. For the next person; nothing
	// goes by it. Each order carries on what the one before it has.
	ControlPlane string `json:"controlPlane,omitempty"`
}

// DrainedSince is since when a drained region has been so: an order that says it again changes nothing about that.
func (e Entry) DrainedSince() time.Time {
	if !e.Drained.IsZero() {
		return e.Drained
	}
	return e.Since
}

// Order is what an operator said.
type Order string

// Orders. Drain and Freeze stand until the next one.
const (
	Drain    Order = "drain"
	Restore  Order = "restore"
	Freeze   Order = "freeze"
	Unfreeze Order = "unfreeze"
)

// Pins says whether observers change nothing while the entry is the newest order.
func (e Entry) Pins() bool { return e.Order == Drain || e.Order == Freeze }

// Name is what a flip or an order is called by all who see it. Several observers may write one flip, each with a Since of its
// own; what it ended is the same for all. An order that changes nothing is called as what it leaves is.
func (e Entry) Name() time.Time {
	if e.After.IsZero() {
		return e.Since
	}
	return e.After
}

// operator begins the sort key of an operator's entry; the region of the table it was written to follows, so that no
// item is written in two regions.
const operator = "operator@"

// OperatorKey is the sort key of operators' orders that are written to a region's table.
func OperatorKey(table string) string { return operator + table }

// Verdict is what the machine has to know of an observer's verdict.
type Verdict struct {
	At      time.Time `json:"at"`
	Healthy bool      `json:"healthy"`
	Since   time.Time `json:"since"` // since when it has been Healthy, or not
}

// View is what one reader knows of one region.
type View struct {
	Entries  map[string]Entry   // by writer
	Verdicts map[string]Verdict // by observer
}

// Now is the state as written, before anyone judges it anew.
func (v View) Now(now time.Time) Entry {
	flip, order := v.Flip(now), v.Order(now)
	if order.Pins() || order.State != "" && !flip.Since.After(order.Since) {
		return order
	}
	return flip
}

// Order is what an operator ordered last; nothing, if nobody did.
func (v View) Order(now time.Time) Entry {
	return v.newest(now, Entry{}, func(writer string, _ Entry) bool { return strings.HasPrefix(writer, operator) })
}

// Flip is the last change by an observer; without any the region is active.
func (v View) Flip(now time.Time) Entry {
	return v.newest(now, Entry{State: Active}, func(writer string, e Entry) bool { return !strings.HasPrefix(writer, operator) && e.Order == "" })
}

func (v View) newest(now time.Time, newest Entry, of func(writer string, e Entry) bool) Entry {
	for _, writer := range slices.Sorted(maps.Keys(v.Entries)) { // ties have one winner
		e := v.Entries[writer]
		if e.State != Active && e.State != Drained || e.Since.Sub(now) > Fresh {
			continue // unreadable, or of a clock so wrong that it would count for ever
		}
		if of(writer, e) && e.Since.After(newest.Since) {
			newest = e
		}
	}
	return newest
}

// Objections counts the fresh verdicts against the region.
func (v View) Objections(now time.Time) (n int) {
	for _, one := range v.Verdicts {
		if IsFresh(now, one.At) && !one.Healthy {
			n++
		}
	}
	return n
}

// well says whether a quorum is heard, nobody objects, and that for long enough.
func (v View) well(now time.Time) bool {
	heard := 0
	for _, one := range v.Verdicts {
		if !IsFresh(now, one.At) {
			continue
		}
		if heard++; !one.Healthy || now.Sub(one.Since) < Sustain {
			return false
		}
	}
	return heard >= Quorum
}

// IsFresh says whether a verdict counts. One from the future does as long as clocks may differ; beyond that it would
// go on counting when its observer is long dead.
func IsFresh(now, at time.Time) bool { return now.Sub(at).Abs() <= Fresh }
