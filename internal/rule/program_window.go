package rule

import (
	"fmt"
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"example.com/unbroken/internal/loop"
)

// condition is one of an `all` window's, compiled.
type condition struct {
	pattern *pattern
	when    *expr // nil: always
}

// maxValue bounds what an aggregate is made of: differences and sums of such values are still finite.
const maxValue = 1e300

// Value is what the signal contributes to the rule's aggregate.
func (p *Program) Value(ev *Event) (v float64, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return 0, err
	}
	field := "window." + p.rule.Window.Of
	result, err := p.value.eval(ev.conditions(p.id))
	if err != nil {
		return 0, inField(field, err)
	}
	switch n := result.(type) {
	case types.Double:
		v = float64(n)
	case types.Int:
		v = float64(n)
	case types.Uint:
		v = float64(n)
	default:
		return 0, loop.Refuse(loop.CodeRuleFailed, "%s: gives %s, not a number", field, result.Type().TypeName())
	}
	if !(math.Abs(v) <= maxValue) { // NaN compares with nothing
		return 0, loop.Refuse(loop.CodeRuleFailed, "%s: is not a number between -1e300 and 1e300", field)
	}
	return v, nil
}

// Met says which of the window's conditions the signal meets, a bit each.
func (p *Program) Met(ev *Event) (met uint64, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return 0, err
	}
	for i, c := range p.all {
		if !c.pattern.matches(ev) {
			continue
		}
		if c.when != nil {
			holds, err := c.when.evalBool(ev.conditions(p.id))
			if err != nil {
				return 0, inField("window.all."+p.rule.Window.All[i].Name, err)
			}
			if !holds {
				continue
			}
		}
		met |= 1 << i
	}
	return met, nil
}

func (p *Program) compileWindow() (problems []error) {
	w := p.rule.Window
	if w == nil {
		return nil
	}
	if w.Of != "" {
		x, err := p.set.condition(w.Value, anyNumber)
		if err != nil {
			problems = append(problems, &fieldError{"window." + w.Of, err})
		}
		p.value = x
	}
	for i, declared := range w.All {
		field := fmt.Sprintf("window.all[%d]", i)
		pattern, err := compilePattern(declared.Match)
		if err != nil {
			problems = append(problems, &fieldError{field + ".match", err})
		}
		c := condition{pattern: pattern}
		if declared.When != "" {
			if c.when, err = p.set.condition(declared.When, cel.BoolType); err != nil {
				problems = append(problems, &fieldError{field + ".when", err})
			}
		}
		p.all = append(p.all, c)
	}
	return problems
}
