package sim

import (
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// classes is P2, class by class.
func (l *ledger) classes() {
	for _, id := range l.ids {
		c := l.claims[id]
		got := l.requests[id]
		for _, r := range got[min(1, len(got)):] {
			if a, b := r.Effect.Request, got[0].Effect.Request; a.URL != b.URL || a.Body != b.Body || a.Method != b.Method {
				l.violate("P2", "%s was sent with other bytes the second time: %q, then %q", short(id), b.URL+b.Body, a.URL+a.Body)
			}
		}
		if check, ok := classChecks()[c.Effect.Class]; ok {
			check(l, c, got)
		}
		if c.Effect.Undoes != "" {
			l.afterDo(c)
		}
	}
	l.resources()
}

// classChecks say what each class promises at its target.
func classChecks() map[loop.Class]func(*ledger, loop.Claim, []mem.Request) {
	return map[loop.Class]func(*ledger, loop.Claim, []mem.Request){
		loop.ClassKeyed: checkKeyed, loop.ClassFenced: checkFenced, loop.ClassSet: checkSet, loop.ClassOnce: checkOnce,
	}
}

func applied(got []mem.Request) (n int) {
	for _, r := range got {
		if r.Applied {
			n++
		}
	}
	return n
}

// checkKeyed: one effect, and one where the claim says so; none where it says that it was fenced out.
func checkKeyed(l *ledger, c loop.Claim, got []mem.Request) {
	n := applied(got)
	switch {
	case n > 1:
		l.violate("P2", "%s of %s (keyed) took effect %d times", short(c.EffectID), c.Effect.RuleID, n)
	case c.Status == loop.StatusDone && n == 0:
		l.violate("P1", "%s of %s is done and never reached its target", short(c.EffectID), c.Effect.RuleID)
	case c.Status == loop.StatusSuperseded && n > 0:
		l.violate("P2", "%s of %s is superseded and took effect", short(c.EffectID), c.Effect.RuleID)
	}
}

// checkFenced: one effect, and one where the claim says so. What its resource holds is judged in resources.
func checkFenced(l *ledger, c loop.Claim, got []mem.Request) {
	switch n := applied(got); {
	case n > 1:
		l.violate("P2", "%s of %s (fenced) took effect %d times", short(c.EffectID), c.Effect.RuleID, n)
	case c.Status == loop.StatusDone && n == 0:
		l.violate("P1", "%s of %s is done and never reached its target", short(c.EffectID), c.Effect.RuleID)
	}
	l.outdone(c)
}

// checkSet: done means that it stood. What its resource holds in the end is judged in resources.
func checkSet(l *ledger, c loop.Claim, got []mem.Request) {
	if c.Status == loop.StatusDone && applied(got) == 0 {
		l.violate("P1", "%s of %s is done and never reached its target", short(c.EffectID), c.Effect.RuleID)
	}
	l.outdone(c)
}

// outdone: what is superseded was so by a newer one that reached the resource, or never had a do to undo.
func (l *ledger) outdone(c loop.Claim) {
	if c.Status != loop.StatusSuperseded || c.Effect.Request == nil {
		return
	}
	if do, known := l.claims[c.Effect.Undoes]; known && do.Status != loop.StatusDone {
		return
	}
	for _, r := range l.written[c.Effect.Request.URL] {
		if r.Effect.Fence > c.Effect.Fence {
			return
		}
	}
	l.violate("P1", "%s of %s is superseded, and nothing newer reached its resource", short(c.EffectID), c.Effect.RuleID)
}

// resources judges what is written to a resource as a whole: never older over newer. Of class set, that holds for who set
// out when the newer one stood there; whose request was under way then may land over it, and is what others go by.
func (l *ledger) resources() {
	for _, url := range sortedKeys(l.written) {
		var stands mem.Request
		for _, r := range l.written[url] {
			if !r.Applied {
				continue
			}
			switch older := r.Effect.Fence < stands.Effect.Fence; {
			case older && l.claims[r.Effect.ID].Effect.Class == loop.ClassFenced:
				l.violate("P2", "%s of %s (fenced) was written over the newer %s", short(r.Effect.ID), r.Effect.RuleID, short(stands.Effect.ID))
			case older && r.Began.After(stands.At):
				l.violate("P2", "%s holds what %s of %s wrote, which set out after the newer %s stood there", url, short(r.Effect.ID),
					r.Effect.RuleID, short(stands.Effect.ID))
			}
			stands = r
		}
	}
}

// checkOnce: one request at most; and where it may have been applied without a clear answer, a person was asked and
// told so.
func checkOnce(l *ledger, c loop.Claim, got []mem.Request) {
	switch {
	case len(got) > 1:
		l.violate("P2", "%s of %s (once) was sent %d times", short(c.EffectID), c.Effect.RuleID, len(got))
	case len(got) == 1 && c.Status.Terminal() && c.Status != loop.StatusDone && (c.Status != loop.StatusParked || !strings.Contains(c.Evidence, "may have been applied")):
		l.violate("P1", "%s of %s (once) was applied and ended %s in silence: %s", short(c.EffectID), c.Effect.RuleID, c.Status, c.Evidence)
	case len(got) == 0 && c.Status == loop.StatusDone:
		l.violate("P1", "%s of %s is done and never reached its target", short(c.EffectID), c.Effect.RuleID)
	}
}

// afterDo: an undo takes effect after its do, and never without it.
func (l *ledger) afterDo(undo loop.Claim) {
	do := l.claims[undo.Effect.Undoes]
	if undo.Status == loop.StatusDone && do.Status != loop.StatusDone {
		l.violate("P2", "undo %s is done, its do is %q", short(undo.EffectID), do.Status)
	}
	first := func(id string) (time.Time, bool) {
		for _, r := range l.requests[id] {
			if r.Applied {
				return r.At, true
			}
		}
		return time.Time{}, false
	}
	at, undone := first(undo.EffectID)
	if before, did := first(do.EffectID); undone && (!did || before.After(at)) {
		l.violate("P2", "undo %s took effect before its do", short(undo.EffectID))
	}
}
