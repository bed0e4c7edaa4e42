package rule

import (
	"errors"
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"

	"example.com/unbroken/internal/loop"
)

// Set is all the rules of a bundle, found by the type of a signal. Safe for concurrent use.
type Set struct {
	programs []*Program // in the order of the file, without those that are off
	byID     map[string]*Program
	byType   map[string][]*Program // for every type that some rule names: all that match it, in order
	open     []*Program            // rules with a type prefix, asked about every type that no rule names
	actions  map[string]*action
	emit     []loop.Status
	inhibits map[string]bool // by id: rules that others are inhibited by
	grouped  bool            // some rule decides for groups
	settle   loop.Duration   // what a region accepted has been decided by one of them this long after
	hash     string          // of the bundle; "" where there was none

	mu         sync.Mutex
	conditions map[source]*expr // compiled so far
}

// source is what a condition is compiled from.
type source struct {
	text string
	want *cel.Type
}

// condition compiles a condition, once for all rules that ask for the same: nearly all have one of a few keys.
func (s *Set) condition(text string, want *cel.Type) (*expr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := source{text, want}
	if x, ok := s.conditions[from]; ok {
		return x, nil
	}
	x, err := compile(text, scopeCondition, want)
	if err != nil {
		return nil, err
	}
	if s.conditions == nil {
		s.conditions = map[source]*expr{}
	}
	s.conditions[from] = x
	return x, nil
}

// Compile makes a Config ready to be asked. Patterns are compiled now, since the index is made of them;
// expressions and templates on first use (see Program). A Config from Parse or Load never fails here.
func Compile(cfg *loop.Config) (*Set, error) {
	s := &Set{
		byID: map[string]*Program{}, byType: map[string][]*Program{},
		actions: make(map[string]*action, len(cfg.Actions)),
		settle:  cfg.StandbyDelay, inhibits: map[string]bool{},
	}
	for name, a := range cfg.Actions {
		s.actions[name] = &action{name: name, config: a}
	}
	var problems []error
	for i := range cfg.Rules {
		r := cfg.Rules[i]
		if r.Mode == loop.ModeOff {
			continue
		}
		pattern, err := compilePattern(r.Match)
		if err != nil {
			problems = append(problems, fmt.Errorf("rule %s: match: %w", r.ID, err))
			continue
		}
		if s.byID[r.ID] != nil {
			problems = append(problems, fmt.Errorf("rule %s: declared twice", r.ID))
			continue
		}
		p := newProgram(r, pattern, s)
		s.grouped = s.grouped || p.Grouped()
		for _, by := range r.InhibitedBy {
			s.inhibits[by.Rule] = true
		}
		for _, phase := range phasesOf(r) {
			for _, st := range phase.steps {
				if s.actions[st.Action] == nil {
					problems = append(problems, fmt.Errorf("rule %s: no action is named %q", r.ID, st.Action))
				}
			}
		}
		s.byID[r.ID] = p
		s.programs = append(s.programs, p)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("compile the rules: %w", err)
	}
	s.index()
	return s, nil
}

func (s *Set) index() {
	open := map[*Program]bool{}
	for _, p := range s.programs {
		for _, m := range p.pattern.types {
			if t, exact := m.(exactString); exact {
				s.byType[string(t)] = nil
			} else {
				open[p] = true
			}
		}
		if open[p] {
			s.open = append(s.open, p)
		}
	}
	// Each type's list holds the open rules that match it too, so that the order of the file is kept without
	// merging at run time.
	for _, p := range s.programs {
		seen := map[string]bool{}
		for _, m := range p.pattern.types {
			if t, exact := m.(exactString); exact && !seen[string(t)] {
				seen[string(t)] = true
				s.byType[string(t)] = append(s.byType[string(t)], p)
			}
		}
		if !open[p] {
			continue // a thousand rules have a thousand types: not all times all
		}
		for t := range s.byType {
			if !seen[t] && p.pattern.matchesPrefix(t) {
				s.byType[t] = append(s.byType[t], p)
			}
		}
	}
	for _, status := range []loop.Status{
		loop.StatusDone, loop.StatusParked, loop.StatusSuppressed, loop.StatusSuperseded, loop.StatusExpired,
	} {
		if len(s.Candidates(loop.OutcomeTypePrefix+string(status))) > 0 {
			s.emit = append(s.emit, status)
		}
	}
}

// Candidates are the rules whose type matches, in the order of the file. Callers must not change the slice.
func (s *Set) Candidates(typ string) []*Program {
	if list, ok := s.byType[typ]; ok {
		return list
	}
	var list []*Program
	for _, p := range s.open {
		if p.pattern.matchesPrefix(typ) {
			list = append(list, p)
		}
	}
	return list
}

// Program finds a rule by its id, for a redrive that runs one rule again. Rules that are off are not found.
func (s *Set) Program(id string) (*Program, bool) {
	p, ok := s.byID[id]
	return p, ok
}

// Grouped says whether some rule decides for groups of keys, which goes by the clock.
func (s *Set) Grouped() bool { return s.grouped }

// Programs are all rules that are not off, in the order of the file. Callers must not change the slice.
func (s *Set) Programs() []*Program { return s.programs }
