package loop

import (
	"slices"
	"time"
)

// Throttle is which dos of a (rule, key) were let through, oldest first. Rev counts its writes; 0 where nothing is
// stored.
type Throttle struct {
	RuleID string   `json:"rule"`
	Key    string   `json:"key"`
	Rev    int64    `json:"rev"`
	Passed []Passed `json:"passed"`
}

// Passed is a decision that was let through, the first of its effects that was, and when its signal was accepted.
type Passed struct {
	DecisionID string    `json:"decision"`
	EffectID   string    `json:"effect,omitempty"`
	AcceptedAt time.Time `json:"acceptedAt"`
}

// MaxPassed bounds the record; the oldest go first. They matter only to copies of what is older still.
const MaxPassed = 100

// Last is when the newest of them was accepted.
func (t Throttle) Last() time.Time {
	if len(t.Passed) == 0 {
		return time.Time{}
	}
	return t.Passed[len(t.Passed)-1].AcceptedAt
}

// Before is the last one accepted before `at`, if that was no longer ago than within.
func (t Throttle) Before(at time.Time, within time.Duration) (last Passed, ok bool) {
	for _, p := range t.Passed { // oldest first
		if p.AcceptedAt.Before(at) && at.Sub(p.AcceptedAt) <= within {
			last, ok = p, true
		}
	}
	return last, ok
}

// Judge says whether the decision was let through already, and else which one stands in its way. One that was accepted
// later stands in the way too: the signals of a key need not come in order, and two within the time are one too many.
func (t Throttle) Judge(decisionID string, acceptedAt time.Time, within time.Duration) (by *Passed, passed bool) {
	for i, p := range t.Passed {
		switch {
		case p.DecisionID == decisionID:
			return nil, true
		case acceptedAt.Sub(p.AcceptedAt).Abs() < within:
			by = &t.Passed[i]
		}
	}
	return by, false
}

// With is t with a decision let through, and without what was accepted before `since`.
func (t Throttle) With(p Passed, since time.Time) Throttle {
	t.Passed = slices.DeleteFunc(slices.Clone(t.Passed), func(p Passed) bool { return p.AcceptedAt.Before(since) })
	t.Passed = append(t.Passed, p)
	slices.SortStableFunc(t.Passed, func(a, b Passed) int { return a.AcceptedAt.Compare(b.AcceptedAt) })
	t.Passed = t.Passed[max(len(t.Passed)-MaxPassed, 0):]
	return t
}

// Without is t without the decision that the effect entered; entered is false where it entered none.
func (t Throttle) Without(effectID string) (next Throttle, entered bool) {
	i := slices.IndexFunc(t.Passed, func(p Passed) bool { return p.EffectID == effectID })
	if i < 0 {
		return t, false
	}
	t.Passed = slices.Delete(slices.Clone(t.Passed), i, i+1)
	return t, true
}
