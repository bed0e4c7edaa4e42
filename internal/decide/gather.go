package decide

import (
	"bytes"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// Gathering is what a group of a rule holds. An instance of it opens with the first key that fires, gathers until it is
// due, and is decided once; what keys it told of is remembered for as long as a copy of one of their signals may come.
//
// It is a set of keys, not of signals: a key that fires again says nothing new, and costs no write. So a signal belongs
// to an instance that has its key and was over after the signal was accepted. No signal of a told key can open another
// instance, however often and wherever it comes; and one of a key that nobody told of can never be taken for told.
type Gathering struct {
	Due     time.Time     `json:"due"`               // of the instance that is open
	Through time.Time     `json:"through,omitzero"`  // the latest acceptance of a member, where that is not before Due
	Members []loop.Member `json:"members,omitempty"` // the first ones, in the order in which they came
	Keys    []string      `json:"keys,omitempty"`    // of all members, short
	Timed   []string      `json:"timed,omitempty"`   // the regions that have a timer of it under way
	Past    []Span        `json:"past,omitempty"`    // oldest first

	// Of the signal with the most hops among the members.
	Input string   `json:"input,omitempty"`
	Hops  int      `json:"hops,omitempty"`
	Cause []string `json:"cause,omitempty"`
}

// Span is an instance that has been decided.
type Span struct {
	N     int64     `json:"n"`
	Until time.Time `json:"until"` // what was accepted from here on is not in it
	Keys  []string  `json:"keys,omitempty"`
	Full  bool      `json:"full,omitempty"` // not all of its keys are known any more
}

// maxSpans bounds the spans that are remembered; of those before nothing is known but that they were.
const maxSpans = 64

// joining is one firing on its way into a group.
type joining struct {
	member    loop.Member
	at        loop.Position
	accepted  time.Time
	signalKey string
	input     string
	hops      int
	cause     []string
}

// placed says which instance a firing belongs to; 0 where it came too late to be told of.
type placed struct {
	joining
	n int64
}

// shortKey tells the keys of one group apart.
func shortKey(key string) string { return loop.KeyHash(key)[:16] }

// gathered is what one call has made of a group.
type gathered struct {
	placed   []placed
	made     []loop.Decision
	overflow bool // keys beyond the bound are not told apart
	changed  bool // the record must be written
}

// gather brings a group's record up to date: firings are placed, in order of acceptance, and what is due is decided. It
// changes e and nothing that e shares with others.
func gather(p *rule.Program, e *Episode, joins []joining, now time.Time) (out gathered, err error) {
	g := Gathering{}
	if e.Group != nil {
		g = *e.Group
	}
	e.Group = &g
	g.Past = slices.DeleteFunc(slices.Clone(g.Past), func(s Span) bool { return !now.Before(s.Until.Add(p.Joinable())) })
	due := func() bool { return e.Open && !now.Before(g.Due) }
	slices.SortStableFunc(joins, func(a, b joining) int { return a.accepted.Compare(b.accepted) })
	for _, j := range joins {
		if due() && !j.accepted.Before(g.until()) {
			if err := out.decide(p, e); err != nil {
				return out, err
			}
		}
		n, err := out.place(p, e, j, now)
		if err != nil {
			return out, err
		}
		out.placed = append(out.placed, placed{j, n})
	}
	if due() {
		err = out.decide(p, e)
	}
	return out, err
}

// place finds the instance that a firing belongs to, and opens one where there is none.
func (out *gathered) place(p *rule.Program, e *Episode, j joining, now time.Time) (n int64, err error) {
	g, key := e.Group, shortKey(j.member.Key)
	switch n, unsure := g.told(key, j.accepted); {
	case n > 0:
		return n, nil
	case e.Open && slices.Contains(g.Keys, key):
		out.changed = g.reach(j.accepted) || out.changed
		return e.N, nil
	case unsure || now.After(j.accepted.Add(p.Joinable())):
		return 0, nil
	case !e.Open:
		n := max(e.N+1, j.at.Time.UnixMilli())
		due := now.Add(p.Wait()).UTC()
		// What cannot be rendered must not wait for its span to be over, with others that come meanwhile.
		if _, err := p.RenderGroup(e.Key, n, due, loop.GroupData{Count: 1, Members: []loop.Member{j.member}}); err != nil {
			return 0, err
		}
		e.N, e.Open = n, true
		*g = Gathering{Due: due, Past: g.Past, Input: j.input, Hops: -1}
	}
	if len(g.Keys) >= loop.MaxGroupKeys {
		out.overflow = true
		return e.N, nil
	}
	out.changed = true
	g.Keys = append(slices.Clone(g.Keys), key)
	if list := append(slices.Clone(g.Members), j.member); listable(list) {
		g.Members = list
	}
	if j.hops > g.Hops {
		g.Hops, g.Cause, g.Input = j.hops, j.cause, j.input
	}
	g.reach(j.accepted)
	return e.N, nil
}

func listable(members []loop.Member) bool {
	b, err := loop.Marshal(members)
	return err == nil && len(members) <= loop.MaxGroupMembers && len(b) <= loop.MaxGroupListBytes
}

// until is the acceptance from which on a signal is not of the open instance. Clocks differ: a region may accept what
// another one takes in before it is due, by a clock that says it is.
func (g *Gathering) until() time.Time {
	if g.Through.Before(g.Due) {
		return g.Due
	}
	return g.Through.Add(1)
}

// reach makes the open instance one that a signal accepted then belongs to.
func (g *Gathering) reach(accepted time.Time) (changed bool) {
	if accepted.Before(g.until()) {
		return false
	}
	g.Through = accepted.UTC()
	return true
}

// told finds the instance that told of a firing; unsure says that one may have.
func (g *Gathering) told(key string, accepted time.Time) (n int64, unsure bool) {
	for _, s := range slices.Backward(g.Past) {
		if !accepted.Before(s.Until) {
			continue
		}
		if slices.Contains(s.Keys, key) {
			return s.N, false
		}
		unsure = unsure || s.Full
	}
	return 0, unsure
}

// decide makes the decision of the open instance, which is over.
func (out *gathered) decide(p *rule.Program, e *Episode) error {
	g := e.Group
	full := len(g.Keys) >= loop.MaxGroupKeys
	d, err := p.RenderGroup(e.Key, e.N, g.Due, loop.GroupData{Count: len(g.Keys), Full: full, Members: g.Members})
	if err != nil {
		return err
	}
	e.Open, e.Last = false, loop.Position{Time: g.Due, SignalKey: d.SignalKey}
	e.Transitions = append(slices.Clone(e.Transitions), Transition{
		Decision: d, At: e.Last, AcceptedAt: g.Due, Input: g.Input, Hops: g.Hops, Cause: g.Cause,
	})
	*g = Gathering{Due: g.Due, Past: remembered(append(g.Past, Span{N: e.N, Until: g.until(), Keys: g.Keys, Full: full}))}
	out.made, out.changed = append(out.made, d), true
	return nil
}

// remembered bounds what is known of the past.
func remembered(past []Span) []Span {
	if len(past) > maxSpans {
		past = past[len(past)-maxSpans:]
		past[0].Keys, past[0].Full = nil, true
	}
	keys := 0
	for i := len(past) - 1; i >= 0; i-- {
		if keys += len(past[i].Keys); keys > loop.MaxGroupKeys && i < len(past)-1 {
			past[i].Keys, past[i].Full = nil, true
		}
	}
	return past
}

// same says whether two records of a group have gathered the same.
func (g *Gathering) same(other *Gathering) bool {
	a, err := loop.Marshal(g)
	b, berr := loop.Marshal(other)
	return err == nil && berr == nil && bytes.Equal(a, b)
}
