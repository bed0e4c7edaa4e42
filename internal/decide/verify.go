package decide

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// Verification has two halves that know nothing of each other. A signal for which verify.when holds is a proof: it is
// kept as an entry, whether or not anything was done. Act starts a timer when a do is done (loop.VerifyTimer); when it
// comes here, whoever gets it looks for a proof. So nothing has to be changed that another one may change as well, and
// a timer that comes twice comes to the same end: else's effects have one id each.
//
// Time is when signals were accepted, which is by the same clocks as when a do was done; that a producer's clock is
// wrong matters only to its own order of signals. A timer fires a standby delay late: by then either region has
// decided what was accepted in time, so that a proof is not missed because its region is slow or gone.

// proof is a signal that shows that what the rule did has worked.
type proof struct {
	target
	work  *work
	entry Entry // at the acceptance; Value is the event time in ms
}

// check is a timer of a verification.
type check struct {
	target
	work *work
	data loop.VerifyData
}

// proofs names the entries of a rule's proofs. No rule has an id like this.
func proofs(t target) Ref { return Ref{RuleID: t.program.Rule().ID + "#verify", Key: t.key} }

// worked notes a proof.
func worked(p *rule.Program, w *work, event *rule.Event, out *found) (bool, error) {
	if !p.Verifies() || !p.Match(event) {
		return false, nil
	}
	if holds, err := p.Worked(event); err != nil || !holds {
		return false, err
	}
	key, err := p.Key(event)
	if err != nil {
		return false, err
	}
	out.proofs = append(out.proofs, proof{target{program: p, key: key}, w, Entry{
		Pos: loop.Position{Time: w.item.AcceptedAt, SignalKey: event.Key()}, Value: float64(event.Time().UnixMilli()),
	}})
	return true, nil
}

// checkOf makes a timer a check. A rule that is gone, or verifies nothing now, has kept no proofs either.
func checkOf(set *rule.Set, w *work, event *rule.Event, out *found) {
	signal := struct{ Data loop.VerifyData }{}
	if err := json.Unmarshal(w.item.Signal, &signal); err != nil {
		out.unmatched++
		return
	}
	p, ok := set.Program(signal.Data.Rule)
	if !ok || !p.Verifies() || len(signal.Data.Else) == 0 {
		out.unmatched++
		return
	}
	out.checks = append(out.checks, check{target{program: p, key: strings.Clone(event.Subject())}, w, signal.Data})
}

// remember keeps proofs. Of one key's that were accepted together only the newest is: it proves what the others do.
func (h *Handler) remember(ctx context.Context, found []proof) {
	if len(found) == 0 {
		return
	}
	type batch struct {
		obs    []observation
		newest map[time.Time]Entry
	}
	batches := map[target]*batch{}
	var order []target
	for _, f := range found {
		b := batches[f.target]
		if b == nil {
			b = &batch{newest: map[time.Time]Entry{}}
			batches[f.target], order = b, append(order, f.target)
		}
		b.obs = append(b.obs, observation{work: f.work})
		at := f.entry.Pos.Time
		if have, ok := b.newest[at]; !ok || have.Value < f.entry.Value {
			b.newest[at] = f.entry
		}
	}
	var eg errgroup.Group
	eg.SetLimit(cmp.Or(h.cfg.AtOnce, Concurrency))
	for _, t := range order {
		eg.Go(func() error {
			b, entries := batches[t], []Entry{}
			for _, e := range b.newest {
				entries = append(entries, e)
			}
			if err := h.cfg.Windows.Put(ctx, proofs(t), merge(entries), t.program.Remembered()); err != nil {
				fail(b.obs, t.program.Rule().ID, fmt.Errorf("keep that %s has worked: %w", t.program.Rule().ID, err))
			}
			return nil
		})
	}
	_ = eg.Wait() // failures stand with their items
}

// verify sends what is done else, for the timers that find no proof.
func (h *Handler) verify(ctx context.Context, checks []check) {
	for _, c := range checks {
		ruleID := c.program.Rule().ID
		if h.cfg.Now().Sub(c.data.Until) > c.program.Overdue() { // its proofs are forgotten, and else would have expired
			h.cfg.Recorder.Late(ctx, ruleID, c.data.Else[0].SignalKey)
			continue
		}
		has, err := h.proven(ctx, c)
		if err != nil {
			fail([]observation{{work: c.work}}, ruleID, fmt.Errorf("look whether %s has worked: %w", ruleID, err))
			continue
		}
		if !has {
			first := c.data.Else[0]
			h.sendDecisions(ctx, []decided{{c.work, loop.Decision{
				ID: first.DecisionID, RuleID: ruleID, Key: c.key, Phase: loop.PhaseElse, SignalKey: first.SignalKey, Effects: c.data.Else,
				Why: c.program.Missed(c.data),
			}}})
		}
	}
}

// proven looks for a signal that was accepted before the time was over, and that came later than the one that was
// decided: in event time, for both are of one producer's clock.
func (h *Handler) proven(ctx context.Context, c check) (bool, error) {
	in := func(e Entry) bool {
		return !e.Pos.Time.Before(c.data.Since) && e.Pos.Time.Before(c.data.Until) && e.Value > float64(c.data.After.UnixMilli())
	}
	seen, err := h.cfg.Windows.Around(ctx, proofs(c.target), Look{
		At: loop.Position{Time: c.data.Until}, After: c.data.Since.Add(-1), Expect: 1, Limit: 1,
		Before: func() LookBehind {
			return func(e Entry) (want, more bool) { return in(e), !in(e) }
		},
	})
	if err != nil {
		return false, err
	}
	for _, e := range seen.Entries {
		if in(e) {
			return true, nil
		}
	}
	return false, nil
}
