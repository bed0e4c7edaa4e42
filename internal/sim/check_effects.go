package sim

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// books is P6: the claims are exactly those of what was accepted, no more and no less. What was sent but refused may
// be there too, for a copy of it may have been stored.
func (l *ledger) books() {
	allowed := map[string]bool{}
	for key, bodies := range l.book.attempted {
		for _, s := range bodies {
			for _, wt := range expect(s) {
				must, may := wt.effects(key)
				for _, id := range append(must, may...) {
					allowed[id] = true
				}
			}
		}
	}
	for _, t := range l.book.transitions {
		for _, e := range t.Decision.Effects {
			allowed[e.ID] = true
		}
	}
	for _, id := range l.ids {
		c := l.claims[id]
		if c.Status == loop.StatusParked && c.Effect.RuleID != "lead" {
			allowed[lead(id)] = true
			if _, told := l.claims[lead(id)]; !told && !l.anyLost {
				l.violate("P1", "nobody was told that %s of %s is parked", short(id), c.Effect.RuleID)
			}
		}
	}
	for _, id := range l.ids {
		c := l.claims[id]
		if !allowed[id] {
			l.violate("P6", "claim %s of rule %s belongs to no signal", short(id), c.Effect.RuleID)
		}
		if !c.Status.Terminal() && !l.anyLost {
			l.violate("P6", "claim %s of rule %s is still %s by %s", short(id), c.Effect.RuleID, c.Status, c.Owner)
		}
	}
	for id := range l.requests {
		if _, ok := l.claims[id]; !ok {
			l.violate("P2", "%s was sent without a claim", short(id))
		}
	}
}

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
	if before, did := first(do.EffectID); undone && undo.Effect.Class == loop.ClassKeyed && (!did || before.After(at)) {
		l.violate("P2", "undo %s took effect before its do", short(undo.EffectID))
	}
}

// readable is P4: of every output, each surviving region reads the one with the greatest fence.
func (l *ledger) readable() {
	if l.anyLost && !l.oneLossOnly() {
		return // a region that is lost while others are cut off or down takes with it what only it had
	}
	newest := map[string]loop.Claim{}
	for _, id := range l.ids {
		c := l.claims[id]
		if o := c.Effect.Output; o != nil && c.Status == loop.StatusDone && c.Effect.Fence >= newest[o.Key].Effect.Fence {
			newest[o.Key] = c
		}
	}
	for key, c := range newest {
		for _, name := range l.plan.Loop {
			if l.down[name] {
				continue
			}
			out, err := l.regions[name].outputs.Read(context.Background(), key)
			switch {
			case err != nil:
				l.violate("P4", "output %s cannot be read in %s: %v", key, name, err)
			case out.Fence < c.Effect.Fence:
				l.violate("P4", "output %s in %s has fence %s; %s was done with %s", key, name, out.Fence, short(c.EffectID), c.Effect.Fence)
			}
		}
	}
}
