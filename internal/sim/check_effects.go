package sim

import (
	"context"

	"example.com/unbroken/internal/loop"
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
	ends := l.rallies()
	for _, id := range l.ids {
		c := l.claims[id]
		if c.Effect.RuleID == "lead" || c.Status != loop.StatusParked && c.ApprovedBy == "" {
			continue
		}
		allowed[lead(id)] = true
		if _, told := l.claims[lead(id)]; !told && c.Status == loop.StatusParked && !ends[id] && !l.anyLost {
			l.violate("P1", "nobody was told that %s of %s is parked", short(id), c.Effect.RuleID)
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

// rallies are the effects of which nobody hears any more, for the chain of causes is as long as it may be.
func (l *ledger) rallies() map[string]bool {
	ends := map[string]bool{}
	for key, bodies := range l.book.attempted {
		for _, wt := range expect(bodies[0]) {
			if must, _ := wt.effects(key); len(must) > loop.MaxHops {
				ends[must[loop.MaxHops]] = true
			}
		}
	}
	return ends
}

// readable is P4: of every output, each surviving region reads the one with the greatest fence. What only a lost region
// had a copy of may be lost with it before it is replicated.
func (l *ledger) readable() {
	if l.anyLost && !l.oneLossOnly() {
		return // a region that is lost while others are cut off or down takes with it what only it had
	}
	newest := map[string]loop.Claim{}
	for _, id := range l.ids {
		c := l.claims[id]
		if _, sent := l.book.attempted[c.Effect.SignalKey]; sent && l.anyLost && !l.durable[c.Effect.SignalKey] {
			continue
		}
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
