package loop

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Silence keeps the effects that it matches from being sent, if their signal was accepted in [From, Until). It is
// judged by the acceptance and not by the clock, so that every copy and every retry of an acceptance, in any region,
// is judged alike: it may start no earlier than SilenceLead after it is stored, and so whoever judges knows it.
type Silence struct {
	ID      string    `json:"id"`
	Match   []Matcher `json:"match"` // all must hold
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	Created time.Time `json:"created"`
	EndedBy string    `json:"endedBy,omitempty"` // who ended it before its time
}

// SilenceLead is from when on a change may count: what act knows may be ControlsAge old, and clocks differ.
const SilenceLead = 5 * ControlsAge

// silenceKeep is how long a silence is kept after its end: an effect that it suppressed may still be on its way.
// MaxControlsBytes bounds the record, some hundred silences: act reads all of it once a second.
const (
	silenceKeep      = 7 * 24 * time.Hour
	MaxControlsBytes = 64 << 10
)

// Matcher compares one field of an effect with a value, in which * stands for any text.
type Matcher struct {
	Field string `json:"field"`
	Value string `json:"value"`
	Not   bool   `json:"not,omitempty"`
}

// MatchFields are the fields of an effect that a matcher can name.
func MatchFields() []string { return []string{"rule", "key", "action", "step"} }

// ParseMatcher reads field=value or field!=value.
func ParseMatcher(s string) (Matcher, error) {
	field, value, ok := strings.Cut(s, "=")
	m := Matcher{Field: field, Value: value}
	m.Field, m.Not = strings.CutSuffix(field, "!")
	switch {
	case !ok || value == "":
		return m, fmt.Errorf("%q is not a matcher: write it like rule=checkout-errors, key=shop/* or action!=page", s)
	case !slices.Contains(MatchFields(), m.Field):
		return m, fmt.Errorf("%q: an effect has no %q to match: choose of %s", s, m.Field, strings.Join(MatchFields(), ", "))
	case len(value) > maxAuditText:
		return m, fmt.Errorf("%q…: a matcher's value has at most %d bytes", cut(s), maxAuditText)
	}
	return m, nil
}

// String is the form that ParseMatcher reads.
func (m Matcher) String() string {
	if m.Not {
		return m.Field + "!=" + m.Value
	}
	return m.Field + "=" + m.Value
}

// Matches says whether the matcher holds for an effect. One of a field that this version does not know never does:
// a silence that means something else must not silence everything.
func (m Matcher) Matches(e Effect) bool {
	var have string
	switch m.Field {
	case "rule":
		have = e.RuleID
	case "key":
		have = e.Key
	case "action":
		have = e.Action
	case "step":
		have = e.Step
	default:
		return false
	}
	return wild(m.Value, have) != m.Not
}

// wild compares s with a pattern in which * stands for any text. It goes back to the last * only, so that no pattern
// makes it slow.
func wild(pattern, s string) bool {
	star, from := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// covers says whether the silence is about the effect.
func (s Silence) covers(e Effect, acceptedAt time.Time) bool {
	if acceptedAt.Before(s.From) || !acceptedAt.Before(s.Until) || len(s.Match) == 0 {
		return false
	}
	return !slices.ContainsFunc(s.Match, func(m Matcher) bool { return !m.Matches(e) })
}

// Silenced finds the silence that keeps an effect from being sent whose signal was accepted then.
func (c Controls) Silenced(e Effect, acceptedAt time.Time) (Silence, bool) {
	i := slices.IndexFunc(c.Silences, func(s Silence) bool { return s.covers(e, acceptedAt) })
	if i < 0 {
		return Silence{}, false
	}
	return c.Silences[i], true
}

// WithSilence is c with one more silence, and without those that ended long ago.
func (c Controls) WithSilence(s Silence, now time.Time) (Controls, error) {
	if slices.ContainsFunc(c.Silences, func(have Silence) bool { return have.ID == s.ID }) {
		return c, nil
	}
	c.Silences = slices.DeleteFunc(slices.Clone(c.Silences), func(s Silence) bool { return now.After(s.Until.Add(silenceKeep)) })
	s.By, s.Reason = cut(s.By), cut(s.Reason)
	next := c
	next.Silences = append(next.Silences, s)
	next.Log = noted(c.Log, Audit{At: now.UTC(), By: s.By, What: "silence " + s.ID + ": " + s.Reason})
	if doc, err := Marshal(next); err != nil || len(doc) > MaxControlsBytes {
		return c, fmt.Errorf("%d silences are stored, and there is no room for more: they are forgotten %s after their end", len(c.Silences), Duration(silenceKeep))
	}
	return next, nil
}

// WithoutSilence is c with a silence ended, in force after SilenceLead like every change. found is false where there
// is none, and changed where it has ended already or ends that soon.
func (c Controls) WithoutSilence(id string, now time.Time, by string) (next Controls, found, changed bool) {
	i := slices.IndexFunc(c.Silences, func(s Silence) bool { return s.ID == id })
	if i < 0 {
		return c, false, false
	}
	end := now.UTC().Add(SilenceLead)
	if !c.Silences[i].Until.After(end) {
		return c, true, false
	}
	c.Silences = slices.Clone(c.Silences)
	s := &c.Silences[i]
	s.Until, s.EndedBy = end, cut(by)
	if s.From.After(s.Until) { // it never begins
		s.Until = s.From
	}
	c.Log = noted(c.Log, Audit{At: now.UTC(), By: by, What: "end silence " + id})
	return c, true, true
}
