package backtest

import (
	"cmp"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// Kind is how a decision of one side stands to those of the other.
type Kind string

// Kinds of a difference. A decision is the same where rule, key, phase and time are.
const (
	Added   Kind = "added"   // only the new rules make it
	Removed Kind = "removed" // only the old ones do
	Changed Kind = "changed" // both do, with other effects, or it is muted by another rule
)

// Difference is one decision that the two sides do not share.
type Difference struct {
	Kind Kind
	Made       // the new side's; the old side's where it was removed
	Was  *Made // the old side's where it was changed
}

// Counts are those of one rule, of both sides.
type Counts struct {
	Signals int // that the new rule's pattern takes; the old one's where there is no new one
	Old     int // decisions
	New     int
	Same    int
	Added   int
	Removed int
	Changed int
	Late    int // signals too late for the new rule's window
	Failed  int // signals that the new rule failed on
	Muted   int // new decisions of which nothing lands, since another rule fires
}

// unpairedMost bounds how many decisions wait for their like. One that is made in the same batch by both sides, which
// nearly all are, does not wait; a window that opens on a late signal may make it a little later on one side.
const unpairedMost = 16_384

// Diff pairs the decisions of an old and a new side, or only counts where there is one side.
type Diff struct {
	Rules map[string]*Counts
	First []Difference // the earliest of them, in order

	most     int
	newRules map[string]bool
	old      waiting // on the old side only, so far
	new      waiting
}

// NewDiff starts one between the old and the new rules; without old ones it only counts. It keeps the first `most`
// differences.
func NewDiff(old, now *loop.Config, most int) *Diff {
	d := &Diff{
		Rules: map[string]*Counts{}, most: most, newRules: map[string]bool{},
		old: waiting{by: map[identity]Made{}}, new: waiting{by: map[identity]Made{}},
	}
	for _, r := range now.Rules {
		d.newRules[r.ID] = r.Mode != loop.ModeOff
		d.of(r.ID) // a rule that saw nothing is worth a line
	}
	if old != nil {
		for _, r := range old.Rules {
			d.of(r.ID)
		}
	}
	return d
}

// identity is what makes two decisions the same one. An episode's number is its opening's time, so two rules may give
// one transition two numbers.
type identity struct {
	rule, key string
	phase     loop.Phase
	at        time.Time
	signal    string // of a stateless rule: two signals of one key may have one time
}

func identify(m Made) identity {
	id := identity{rule: m.RuleID, key: m.Key, phase: m.Phase, at: m.At.UTC()}
	if m.Episode == 0 {
		id.signal = m.SignalKey
	}
	return id
}

// waiting is unpaired decisions, oldest first.
type waiting struct {
	by    map[identity]Made
	order []identity
}

// Add takes what became of one batch; old is nil where there is no old side.
func (d *Diff) Add(old *Outcome, now Outcome) {
	for at, n := range now.Matched {
		d.of(at.Rule).Signals += n
	}
	for _, rule := range now.Late {
		d.of(rule).Late++
	}
	for _, f := range now.Failed {
		d.of(f.Rule).Failed++
	}
	for _, m := range now.Made {
		if old == nil || d.new.put(m) {
			d.of(m.RuleID).New++
			if m.MutedBy != "" {
				d.of(m.RuleID).Muted++
			}
		}
	}
	if old == nil {
		return
	}
	for at, n := range old.Matched {
		if !d.newRules[at.Rule] {
			d.of(at.Rule).Signals += n
		}
	}
	for _, m := range old.Made {
		if d.old.put(m) {
			d.of(m.RuleID).Old++
		}
	}
	d.pair(now.Made)
	d.pair(old.Made)
	d.settle(unpairedMost)
}

// Close settles what is left.
func (d *Diff) Close() { d.settle(0) }

// pair takes out of both sides those of a batch that have their like on the other.
func (d *Diff) pair(made []Made) {
	for _, m := range made {
		id := identify(m)
		n, isNew := d.new.by[id]
		o, isOld := d.old.by[id]
		if !isNew || !isOld {
			continue
		}
		delete(d.new.by, id)
		delete(d.old.by, id)
		if same(o.Effects, n.Effects) && o.MutedBy == n.MutedBy {
			d.of(id.rule).Same++
			continue
		}
		d.of(id.rule).Changed++
		d.note(Difference{Kind: Changed, Made: n, Was: &o})
	}
}

// settle gives up waiting for all but the newest.
func (d *Diff) settle(most int) {
	for _, m := range d.old.take(most) {
		d.of(m.RuleID).Removed++
		d.note(Difference{Kind: Removed, Made: m})
	}
	for _, m := range d.new.take(most) {
		d.of(m.RuleID).Added++
		d.note(Difference{Kind: Added, Made: m})
	}
}

// note keeps a difference if it is among the first: they come late where they had to wait.
func (d *Diff) note(one Difference) {
	i, _ := slices.BinarySearchFunc(d.First, one, func(a, b Difference) int {
		return cmp.Or(compareMade(a.Made, b.Made), -1) // behind its equals
	})
	if i < d.most {
		d.First = slices.Insert(d.First, i, one)
		d.First = d.First[:min(len(d.First), d.most)]
	}
}

func (d *Diff) of(rule string) *Counts {
	c := d.Rules[rule]
	if c == nil {
		c = &Counts{}
		d.Rules[rule] = c
	}
	return c
}

// put says whether the decision is one more: the copy of a signal makes the decision that the signal made.
func (w *waiting) put(m Made) bool {
	id := identify(m)
	if _, again := w.by[id]; again {
		return false
	}
	w.order = append(w.order, id)
	w.by[id] = m
	return true
}

// take removes the oldest until only so many are left. What has been paired meanwhile still stands in order.
func (w *waiting) take(most int) (out []Made) {
	for len(w.by) > most {
		id := w.order[0]
		w.order = w.order[1:]
		if m, waits := w.by[id]; waits {
			out = append(out, m)
			delete(w.by, id)
		}
	}
	if len(w.order) > 2*len(w.by)+unpairedMost {
		w.order = slices.DeleteFunc(w.order, func(id identity) bool { _, waits := w.by[id]; return !waits })
	}
	return out
}
