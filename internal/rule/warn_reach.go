package rule

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// warnFunc notes a warning.
type warnFunc func(path, hint, format string, args ...any)

// warnReach warns of rules that can never decide, and of those that can never come back.
func warnReach(cfg *loop.Config, warn warnFunc) {
	for i, r := range cfg.Rules {
		pattern, err := compilePattern(r.Match)
		if err != nil || r.Mode == loop.ModeOff {
			continue
		}
		path := fmt.Sprintf("rules[%d]", i)
		if never(r.ID, r.When) {
			warn(path+".when", "", "never holds: rule %s cannot decide anything", r.ID)
		}
		if never(r.ID, r.Until) {
			warn(path+".until", "", "never holds: an episode of rule %s is open for ever", r.ID)
		}
		if r.Verify != nil && never(r.ID, r.Verify.When) {
			warn(path+".verify.when", "", "never holds: what rule %s does is always followed by verify.else", r.ID)
		}
		for _, f := range pattern.fields {
			if !slices.ContainsFunc(f.matchers, possible) {
				name := strings.Join(append([]string{f.attribute}, f.path...), ".")
				warn(path+".match."+name, "a lower bound must be below the upper one", "no number is in the range: rule %s is unreachable", r.ID)
			}
		}
		warnOwnTypes(path, r, pattern, warn)
	}
}

// never says whether a condition is false whatever the signal: it names no part of it, and is.
func never(id, source string) bool {
	if source == "" {
		return false
	}
	p := newProgram(loop.Rule{ID: id, When: source}, nil, &Set{})
	inputs, err := p.Inputs(NewEvent([]byte("{}"), time.Time{}), source)
	if err != nil || len(inputs) > 0 || strings.Contains(source, "signal") {
		return false
	}
	holds, err := p.When(NewEvent([]byte("{}"), time.Time{}))
	return err == nil && !holds
}

// possible says whether some value matches.
func possible(m matcher) bool {
	r, ok := m.(numericRange)
	if !ok {
		return true
	}
	// Bounds meet in one of the values that they name, or just beside it.
	for _, b := range r {
		for _, v := range []float64{b.value, math.Nextafter(b.value, math.Inf(-1)), math.Nextafter(b.value, math.Inf(1))} {
			if !slices.ContainsFunc(r, func(b bound) bool { return !b.holds(v) }) {
				return true
			}
		}
	}
	return false
}

// outcomeStatuses are the states that an outcome may tell of.
func outcomeStatuses() []loop.Status {
	return []loop.Status{loop.StatusDone, loop.StatusParked, loop.StatusSuppressed, loop.StatusSuperseded, loop.StatusExpired}
}

// warnOwnTypes finds rules that wait for signals of the loop itself which it never makes.
func warnOwnTypes(path string, r loop.Rule, pattern *pattern, warn warnFunc) {
	for _, m := range pattern.types {
		t, exact := m.(exactString)
		status, own := strings.CutPrefix(string(t), loop.OutcomeTypePrefix)
		if !exact || !own || slices.Contains(outcomeStatuses(), loop.Status(status)) {
			continue
		}
		known := map[string]bool{}
		for _, s := range outcomeStatuses() {
			known[string(s)] = true
		}
		warn(path+".match.type", suggest(status, known), "no effect ends as %q: rule %s does not see a signal of this type", status, r.ID)
	}
}
