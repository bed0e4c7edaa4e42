package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// violate notes a broken promise.
func (w *World) violate(promise, format string, args ...any) {
	v := promise + ": " + fmt.Sprintf(format, args...)
	w.log("", "BROKEN %s", v)
	w.result.Violations = append(w.result.Violations, v)
}

// ledger is the world at its end, as the checks read it.
type ledger struct {
	*World
	claims   map[string]loop.Claim
	ids      []string                 // of claims, sorted: a check's findings come in one order
	requests map[string][]mem.Request // by effect
	written  map[string][]mem.Request // by resource, of what belongs to one (rule, key)
	durable  map[string]bool          // signal keys of which an accepted copy is in a region that is not lost
	mirrored map[string]bool          // signal keys that were accepted with two copies
	anyLost  bool                     // a loop region is gone for ever
}

func (w *World) check() {
	l := &ledger{
		World: w, claims: map[string]loop.Claim{}, requests: map[string][]mem.Request{}, written: map[string][]mem.Request{}, durable: map[string]bool{},
		mirrored: map[string]bool{},
	}
	all, err := w.claims.All()
	if err != nil {
		panic(err) // the store wrote them itself
	}
	for _, c := range byEffect(all) {
		if c.Effect.RuleID == loop.CanaryRule {
			continue // nobody's effects
		}
		l.claims[c.EffectID] = c
		l.ids = append(l.ids, c.EffectID)
	}
	for _, r := range w.targets.Got() {
		l.requests[r.Effect.ID] = append(l.requests[r.Effect.ID], r)
		if c := l.claims[r.Effect.ID].Effect.Class; c == loop.ClassFenced || c == loop.ClassSet {
			l.written[r.Effect.Request.URL] = append(l.written[r.Effect.Request.URL], r)
		}
		w.result.Requests++
	}
	for _, name := range w.plan.Loop {
		l.anyLost = l.anyLost || w.down[name]
	}
	for _, a := range w.book.accepted {
		if a.outOfRange() {
			l.violate("P6", "%s is %s off and was accepted", a.ID, (a.Time - a.At).Abs())
		}
		if a.copies == 2 {
			l.mirrored[loop.SignalKey(source, a.ID)] = true
		}
		if l.survives(a) {
			l.durable[loop.SignalKey(source, a.ID)] = true
		}
	}
	w.result.Accepted, w.result.Effects = len(w.book.accepted), len(l.ids)
	l.readLetters()
	l.terminal()
	l.books()
	l.classes()
	l.limits()
	l.orders()
	l.bounded()
	l.readable()
	l.episodes()
	l.monitored()
}

// survives says whether one of the copies that a 202 spoke of is in a region that is still there. A single copy
// may be in any region (policy any), and the second one with any peer.
func (l *ledger) survives(a acceptance) bool {
	peers := !slices.ContainsFunc(loop.Peers(l.plan.Loop, a.region), func(peer string) bool { return l.down[peer] })
	switch {
	case a.copies == 2:
		return !l.down[a.region] || peers
	case a.Input == "local":
		return !l.down[a.region]
	}
	return !l.down[a.region] && peers
}

// readLetters finds what is quarantined, and messages that nobody ever worked on.
func (l *ledger) readLetters() {
	for _, name := range l.plan.Loop {
		if l.down[name] {
			continue
		}
		for _, queue := range loop.Queues() {
			if n := len(l.queues.Bodies(name, queue)); n > 0 {
				l.violate("P1", "%d messages are left on %s in %s", n, queue, name)
			}
			for _, body := range l.queues.Bodies(name, loop.DeadLetter(queue)) {
				if queue == loop.QueueInbox && l.anyLost {
					continue // never acknowledged, so never accepted: policy `all` waits for a second copy, here for ever
				}
				if reason := gjson.GetBytes(body, "quarantine.reason"); queue == loop.QueueInbox && reason.Exists() {
					l.refusedInbox(body, loop.Code(reason.Str))
					continue
				}
				var env loop.Envelope
				if json.Unmarshal(body, &env) != nil || len(env.Items) == 0 || env.Items[0].Quarantine == nil {
					l.violate("P1", "a message is left on %s in %s", loop.DeadLetter(queue), name)
					continue
				}
				for _, item := range env.Items {
					l.book.quarantined[pair{signalKeyOf(item.Signal), item.Quarantine.Rule}] = item.Quarantine.Reason
				}
			}
		}
	}
}

// refusedInbox is a record of ingest's quarantine. It is there for what is out of range, and says so.
func (l *ledger) refusedInbox(body []byte, reason loop.Code) {
	id := idOf([]byte(gjson.GetBytes(body, "body").Str))
	l.book.returned[id] = true
	for i := range l.plan.Signals {
		if s := &l.plan.Signals[i]; s.ID == id && s.Input == "inbox" && s.outOfRange() && reason == loop.CodeTimeOutOfRange {
			return
		}
	}
	l.violate("P6", "%s is quarantined on the way in for %s", id, reason)
}

// terminal is P1: every accepted (signal, rule) and every effect has come to an end.
func (l *ledger) terminal() {
	entries := l.entries()
	for i := range l.plan.Signals {
		s := &l.plan.Signals[i]
		if s.outOfRange() && s.Input == "inbox" && l.book.refused[loop.SignalKey(source, s.ID)] && !l.book.returned[s.ID] && !l.anyLost {
			l.violate("P6", "%s was refused on the way in, and nothing is left of it", s.ID)
		}
	}
	for _, a := range l.book.accepted {
		key := loop.SignalKey(source, a.ID)
		if !l.survives(a) {
			continue
		}
		if !l.book.handled[key] {
			l.violate("P1", "%s was accepted in %s (%d copies) and never decided", a.ID, a.region, a.copies)
			continue
		}
		for _, wt := range expect(a.Planned) {
			p := pair{key, wt.rule}
			_, quarantined := l.book.quarantined[p]
			switch wt.state {
			case unmatched:
				if quarantined {
					l.violate("P1", "%s is no business of %s and was quarantined for it", a.ID, wt.rule)
				}
			case fails:
				if !quarantined {
					l.violate("P1", "%s must be quarantined for %s and is not", a.ID, wt.rule)
				}
			case enters:
				if e, stored := entries[p]; stored && e.Clear != wt.clears {
					l.violate("P2", "%s stands in the window of %s with clear=%v", a.ID, wt.rule, e.Clear)
				} else if !stored && !l.book.late[p] {
					l.violate("P1", "%s left no window entry for %s and was not late", a.ID, wt.rule)
				}
			case joins:
				if !quarantined && !l.book.late[p] {
					l.joined(a, wt.rule)
				}
			case decides:
				must, _ := wt.effects(key)
				for _, id := range must {
					l.ended(id, fmt.Sprintf("%s by %s of %s", short(id), wt.rule, a.ID))
				}
				if quarantined {
					l.violate("P6", "%s is decided by %s and quarantined too", a.ID, wt.rule)
				}
			}
		}
	}
	for _, t := range l.book.transitions {
		tick := t.ref.RuleID == "silent" && t.Decision.Phase == loop.PhaseDo // by a timer, which is in both regions
		if !l.durable[t.Decision.SignalKey] && (!tick || l.anyLost) {
			continue
		}
		for _, e := range t.Decision.Effects {
			l.ended(e.ID, fmt.Sprintf("%s, %s of %s %s", short(e.ID), e.Phase, e.RuleID, e.Key))
		}
	}
	slices.Sort(l.result.Violations)
	l.result.Violations = slices.Compact(l.result.Violations)
}

func (l *ledger) ended(id, what string) {
	c, ok := l.claims[id]
	switch {
	case !ok:
		l.violate("P1", "effect %s was never claimed", what)
	case !c.Status.Terminal() && c.ApprovedBy != "" && l.anyLost: // the person's message was lost with its region
	case !c.Status.Terminal():
		l.violate("P1", "effect %s is still %s by %s", what, c.Status, c.Owner)
	case c.Status != loop.StatusDone && strings.TrimSpace(c.Evidence) == "":
		l.violate("P1", "effect %s ended %s without evidence", what, c.Status)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// byEffect puts claims into an order that does not change.
func byEffect(all []loop.Claim) []loop.Claim {
	slices.SortFunc(all, func(a, b loop.Claim) int { return strings.Compare(a.EffectID, b.EffectID) })
	return all
}
