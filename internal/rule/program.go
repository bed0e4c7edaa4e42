package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"

	"example.com/unbroken/internal/loop"
)

// maxKeyBytes bounds a rendered key: it is part of an output's table key, which may have 2048 bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxKeyBytes = loop.MaxOutputKeyBytes

// Program is one rule, ready to be asked. Safe for concurrent use, each Event by one goroutine.
//
// Its expressions are compiled on first use: compiling costs about 110 µs each, and a cold start that compiled
// all of a hundred rules would be felt by the first signal. Parse has compiled them all before, so a bundle
// holds none that fails.
type Program struct {
	id       string // what every signal of the rule's type asks for stands together: among many rules it is in no cache
	only     string // the one type that the pattern takes, where it asks for nothing else
	stateful bool
	back     bool // see LooksBack
	pattern  *pattern
	set      *Set

	conditions sync.Once
	when       *expr   // nil: always
	until      *expr   // nil: not when
	key        *expr   // nil: signal.subject
	inhibitors []*expr // their keys; nil: the rule's own
	worse      *expr   // nil: never
	verify     *expr   // nil: nothing is verified
	group      *expr   // nil: each key is decided alone
	value      *expr   // of an aggregating window
	all        []condition
	whenErr    error

	looks  sync.Once // see Why
	lookAt []look

	steps              sync.Once
	do, undo, elseDone []step
	stepsErr           error

	rule loop.Rule
}

func newProgram(r loop.Rule, match *pattern, set *Set) *Program {
	p := &Program{id: r.ID, stateful: r.Stateful(), pattern: match, set: set, rule: r}
	p.back = p.Guarded() || p.Verifies()
	if match != nil && len(match.fields) == 0 && len(match.types) == 1 {
		if t, exact := match.types[0].(exactString); exact {
			p.only = string(t)
		}
	}
	return p
}

// ID is the rule's id.
func (p *Program) ID() string { return p.id }

// Stateful says whether the rule keeps a window.
func (p *Program) Stateful() bool { return p.stateful }

// LooksBack says whether the rule asks signals what became of what it did: whether they are worse, or show that it has
// worked.
func (p *Program) LooksBack() bool { return p.back }

// Rule is the rule's declaration.
func (p *Program) Rule() loop.Rule { return p.rule }

// Match says whether the rule's pattern takes the signal. It costs no CEL.
func (p *Program) Match(ev *Event) (matched bool) {
	defer func() {
		if r := recover(); r != nil {
			ev.fault = panicked(r)
			matched = true // so that the next call says what happened, instead of dropping the signal
		}
	}()
	if p.only != "" {
		return p.only == ev.Type()
	}
	return p.pattern.matches(ev)
}

// When says whether the rule's condition holds.
func (p *Program) When(ev *Event) (holds bool, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return false, err
	}
	return p.evalWhen(ev)
}

// Until says whether the condition that closes an episode holds; by default, that `when`, which the caller has asked
// about, does not.
func (p *Program) Until(ev *Event, when bool) (holds bool, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return false, err
	}
	if p.until == nil {
		return !when, nil
	}
	holds, err = p.until.evalBool(ev.conditions(p.id))
	return holds, inField("until", err)
}

func (p *Program) evalWhen(ev *Event) (bool, error) {
	if p.when == nil {
		return true, nil
	}
	holds, err := p.when.evalBool(ev.conditions(p.id))
	return holds, inField("when", err)
}

// Key says what the signal is about, to this rule. A number or a boolean is written as text.
func (p *Program) Key(ev *Event) (key string, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return "", err
	}
	if p.key == nil {
		key = strings.Clone(ev.Subject()) // it outlives the signal
	} else if key, err = p.evalText(p.key, ev, "key"); err != nil {
		return "", err
	}
	if len(key) > maxKeyBytes {
		return "", loop.Refuse(loop.CodeRuleFailed, "key: has %d bytes; at most %d are allowed", len(key), maxKeyBytes)
	}
	return key, nil
}

// evalText gives what an expression makes of the signal, as text.
func (p *Program) evalText(x *expr, ev *Event, field string) (string, error) {
	v, err := x.eval(ev.conditions(p.id))
	if err != nil {
		return "", inField(field, err)
	}
	if !scalar(v) {
		return "", loop.Refuse(loop.CodeRuleFailed, "%s: gives %s, which is not text", field, v.Type().TypeName())
	}
	b, err := appendText(nil, v)
	if err != nil {
		return "", loop.Refuse(loop.CodeRuleFailed, "%s: %s", field, err)
	}
	return string(b), nil
}

// compiled makes the conditions ready, and reports what Match left behind.
func (p *Program) compiled(ev *Event) error {
	if ev.fault != nil {
		return ev.fault
	}
	p.conditions.Do(func() { p.whenErr = errors.Join(p.compileConditions()...) })
	if p.whenErr != nil {
		return loop.Refuse(loop.CodeRuleFailed, "%s", oneLine(p.whenErr.Error()))
	}
	return nil
}

func (p *Program) compileConditions() []error {
	var problems []error
	for _, c := range []struct {
		field, source string
		want          *cel.Type
		into          **expr
	}{
		{"when", p.rule.When, cel.BoolType, &p.when},
		{"key", p.rule.Key, nil, &p.key},
		{"until", p.rule.Until, cel.BoolType, &p.until},
		{"guard.worse", p.rule.Guard.Worse, cel.BoolType, &p.worse},
		{"verify.when", p.verifySource(), cel.BoolType, &p.verify},
		{"group.by", groupBy(&p.rule), nil, &p.group},
	} {
		if c.source == "" {
			continue
		}
		x, err := p.set.condition(c.source, c.want)
		if err != nil {
			problems = append(problems, &fieldError{c.field, err})
			continue
		}
		*c.into = x
	}
	return slices.Concat(problems, p.compileInhibitors(), p.compileWindow())
}

func (p *Program) compileSteps() []error {
	var problems []error
	for _, phase := range phasesOf(p.rule) {
		steps, wrong := compileSteps(phase.field, phase.steps, p.set.actions)
		problems = append(problems, wrong...)
		switch phase.phase {
		case loop.PhaseDo:
			p.do = steps
		case loop.PhaseUndo:
			p.undo = steps
		case loop.PhaseElse:
			p.elseDone = steps
		case loop.PhaseGuard: // has no steps
		}
	}
	return problems
}

// inField adds to a refusal which of the rule's expressions it comes from.
func inField(field string, err error) error {
	if r, ok := errors.AsType[*loop.Refusal](err); ok {
		return loop.Refuse(r.Code, "%s: %s", field, r.Detail)
	}
	return err
}

// recovered is the one place where a panic becomes a refusal: the signal is kept and the others go on.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = panicked(r)
	}
}

func panicked(r any) error { return loop.Refuse(loop.CodeRulePanicked, "%s", oneLine(fmt.Sprint(r))) }
