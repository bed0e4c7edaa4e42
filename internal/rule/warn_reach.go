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
		warnOwnTypes(path, r, pattern.types, warn)
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

// sentTypes are the types of the loop's own signals that rules may see, and what they begin with.
func sentTypes() (types, prefixes map[string]bool) {
	types = map[string]bool{loop.TypeInputStalled: true, loop.TypeInputRecovered: true}
	for _, t := range loop.FindingTypes() {
		types[t] = true
	}
	for _, s := range outcomeStatuses() {
		types[loop.OutcomeTypePrefix+string(s)] = true
	}
	return types, map[string]bool{loop.OutcomeTypePrefix: true, loop.InputTypePrefix: true, loop.HealthTypePrefix: true}
}

// warnOwnTypes finds rules that wait for signals of the loop itself which it never sends. Ingest refuses most of these types
// from outside, not all: a drill's is one that comes in as a producer's do.
func warnOwnTypes(path string, r loop.Rule, matchers []matcher, warn warnFunc) {
	types, prefixes := sentTypes()
	for _, m := range matchers {
		name, known := "", types
		switch m := m.(type) {
		case exactString:
			name = string(m)
		case prefixMatcher:
			name, known = string(m), prefixes
		}
		sent := slices.ContainsFunc(sortedKeys(types), func(t string) bool { return m.match(stringResult(t)) })
		if sent || !strings.HasPrefix(name, loop.OwnTypePrefix) {
			continue
		}
		hint := suggest(name, known)
		if strings.HasPrefix(name, loop.TimerPrefix) || name == loop.CanaryType {
			hint = "no rule sees timers and canaries"
		}
		sees := "does not see one"
		if !strings.HasPrefix(name, loop.CanaryType) && !slices.ContainsFunc(sortedKeys(prefixes), func(p string) bool { return strings.HasPrefix(name, p) }) {
			sees = "sees one only where a producer sends it"
		}
		warn(path+".match.type", hint, "the loop sends no signals of type %q: rule %s %s", name, r.ID, sees)
	}
}
