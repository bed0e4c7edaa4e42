package decide

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// work is one item of a message on its way through the stage.
type work struct {
	mu         sync.Mutex // guards the fields below item while episodes run at once
	msg        int
	item       loop.Item
	event      *rule.Event // the item's signal; made where it is nil and a rule may want it
	retry      error       // an error of ours: the item is sent again, alone, for the rules in left
	left       []string
	timers     []string          // that are on their way, besides the item's
	quarantine []loop.Quarantine // what will never succeed, rule by rule
}

// fail notes that a rule has failed for a reason of ours.
func (w *work) fail(ruleID string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retry = err
	if !slices.Contains(w.left, ruleID) {
		w.left = append(w.left, ruleID)
	}
}

// begun notes that a timer is on its way.
func (w *work) begun(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timers = append(w.timers, id)
}

// began says whether this or an earlier delivery has sent a timer on its way.
func (w *work) began(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.timers, id) || slices.Contains(w.item.Timers, id)
}

func (w *work) typ() string {
	if w.event != nil {
		return w.event.Type()
	}
	return rule.Type(w.item.Signal)
}

// found is what evaluation made of a batch.
type found struct {
	decisions    []decided
	observations map[target]*group
	order        []target // groups in order of first appearance, so that a run is repeatable
	proofs       []proof
	checks       []check
	unmatched    int
}

type decided struct {
	work *work
	loop.Decision
}

// target is one (rule, key) with state, or one group of a rule.
type target struct {
	program *rule.Program
	key     string
	group   bool
}

type group struct {
	obs []observation
}

// evaluate runs the candidate rules of one item. It is pure: rules and signal in, findings out. What fails is
// noted for that signal and that rule only.
func evaluate(set *rule.Set, w *work, out *found) {
	if w.item.Hops > loop.MaxHops {
		w.quarantine = append(w.quarantine, loop.Quarantine{Reason: loop.CodeHopLimit, Detail: "the chain of causes is longer than the hop limit"})
		return
	}
	if isTimer(w.item) && strings.HasPrefix(w.typ(), loop.TimerPrefix) { // not an outcome of what a timer decided
		tick(set, w, out)
		return
	}
	typ := w.typ()
	if typ == loop.CanaryType && isCanary(w) {
		canary(w, out)
		return
	}
	candidates := set.Candidates(typ)
	if len(candidates) == 0 {
		out.unmatched++
		return
	}
	event := w.event
	if event == nil {
		event = rule.NewEvent(w.item.Signal, w.item.AcceptedAt)
	}
	matched := false
	for _, p := range candidates {
		if q := w.item.Quarantine; q != nil && q.Rule != "" && q.Rule != p.ID() {
			continue // a redriven dead letter runs again only the rule that failed
		}
		if len(w.item.Left) > 0 && !slices.Contains(w.item.Left, p.ID()) {
			continue // it is through
		}
		hit, err := one(p, w, event, out)
		if err != nil {
			w.quarantine = append(w.quarantine, loop.Quarantine{Reason: codeOr(err, loop.CodeRuleFailed), Rule: p.ID(), Detail: err.Error()})
		}
		if p.LooksBack() {
			more, merr := back(p, w, event, out)
			if merr != nil && err == nil { // of one rule one failure is told
				err = merr
				w.quarantine = append(w.quarantine, loop.Quarantine{Reason: codeOr(err, loop.CodeRuleFailed), Rule: p.ID(), Detail: err.Error()})
			}
			hit = hit || more
		}
		matched = matched || hit || err != nil
	}
	if !matched {
		out.unmatched++
	}
}

// one evaluates one rule and adds what it finds.
func one(p *rule.Program, w *work, event *rule.Event, out *found) (bool, error) {
	if !p.Match(event) {
		return false, nil
	}
	when, err := p.When(event)
	if err != nil {
		return false, err
	}
	stateful := p.Stateful()
	if !when && !stateful {
		return false, nil
	}
	key, err := p.Key(event)
	if err != nil {
		return false, err
	}
	pos := event.Position()
	if !stateful && p.Grouped() {
		group, err := p.GroupOf(event)
		if err != nil {
			return false, err
		}
		out.observe(target{p, group, true}, observation{work: w, joins: join(p, w, event, key)})
		return true, nil
	}
	if !stateful {
		d := loop.Decision{
			ID: loop.SignalDecisionID(pos.SignalKey, p.ID()), RuleID: p.ID(), Key: key,
			Phase: loop.PhaseDo, SignalKey: pos.SignalKey,
		}
		d.Effects, err = p.Render(event, rule.RenderInput{Key: key, Phase: loop.PhaseDo})
		if err != nil {
			return false, err
		}
		d.Why = p.Why(event)
		out.decisions = append(out.decisions, decided{w, d})
		return true, nil
	}
	entry, counts, err := entryOf(p, event, when)
	if err != nil || !counts {
		return false, err
	}
	out.observe(target{program: p, key: key}, observation{work: w, entry: entry})
	return true, nil
}

// back asks what the signal tells of what the rule did.
func back(p *rule.Program, w *work, event *rule.Event, out *found) (bool, error) {
	worse, werr := regression(p, w, event, out)
	better, berr := worked(p, w, event, out)
	return worse || better, cmp.Or(werr, berr)
}

// observe adds an observation to those of its (rule, key).
func (f *found) observe(t target, o observation) {
	g := f.observations[t]
	if g == nil {
		g = &group{}
		f.observations[t] = g
		f.order = append(f.order, t)
	}
	g.obs = append(g.obs, o)
}

func codeOr(err error, otherwise loop.Code) loop.Code {
	if c := loop.CodeOf(err); c != "" {
		return c
	}
	return otherwise
}
