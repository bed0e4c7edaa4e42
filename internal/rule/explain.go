package rule

import (
	"fmt"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// Mismatch is the first field of a pattern that a signal does not have as it must be.
type Mismatch struct {
	Field string `json:"field"` // source, data.error_rate, …
	Want  []any  `json:"want"`  // as the file has it: one of these
	Got   string `json:"got"`   // JSON; "" where the signal has no such field
}

// Mismatch says why Match does not hold; nil where it does. It is for people, and takes no care to be fast.
func (p *Program) Mismatch(ev *Event) *Mismatch {
	if !p.pattern.matchesType(ev.Type()) {
		return p.mismatch("type", string(gjson.AppendJSONString(nil, ev.Type())))
	}
	for i := range p.pattern.fields {
		f := &p.pattern.fields[i]
		if f.matches(ev) {
			continue
		}
		got := ev.attribute(f.attribute)
		for _, name := range f.path {
			if !got.IsObject() {
				break // an array, or nothing: what is there says more than what is not
			}
			got = member(got.Raw, name)
		}
		return p.mismatch(strings.Join(append([]string{f.attribute}, f.path...), "."), got.Raw)
	}
	return nil
}

func (p *Program) mismatch(name, got string) *Mismatch {
	return &Mismatch{Field: name, Want: p.rule.Match[name], Got: got}
}

// Input is a part of the signal that an expression looks at.
type Input struct {
	Name  string `json:"name"`            // signal.data.error_rate
	Value string `json:"value,omitempty"` // JSON
	Error string `json:"error,omitempty"` // why there is none
}

// Inputs are the parts of the signal that an expression names, with their values, in the order of the expression.
func (p *Program) Inputs(ev *Event, expression string) ([]Input, error) {
	names, err := looked(expression)
	if err != nil {
		return nil, err
	}
	inputs := make([]Input, len(names))
	for i, name := range names {
		inputs[i] = p.input(ev, name)
	}
	return inputs, nil
}

// looked lists the parts of the signal that an expression names, in its order, each once.
func looked(expression string) (names []string, err error) {
	env, err := celEnv()
	if err != nil {
		return nil, fmt.Errorf("make the CEL environment: %w", err)
	}
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		return nil, loop.Refuse(loop.CodeRuleFailed, "%s", firstIssue(issues))
	}
	seen, below := map[string]bool{}, map[int64]bool{}
	celast.PreOrderVisit(parsed.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.SelectKind {
			return
		}
		operand := e.AsSelect().Operand()
		below[operand.ID()] = true
		if below[e.ID()] {
			return // signal.data of signal.data.error_rate
		}
		name, ok := selected(e)
		if !ok || seen[name] {
			return
		}
		seen[name] = true
		names = append(names, name)
	}))
	return names, nil
}

// selected is the dotted name of a part of the signal.
func selected(e celast.Expr) (name string, ok bool) {
	if e.Kind() == celast.SelectKind {
		name, ok := selected(e.AsSelect().Operand())
		return name + "." + e.AsSelect().FieldName(), ok
	}
	if e.Kind() != celast.IdentKind {
		return "", false
	}
	return e.AsIdent(), e.AsIdent() == "signal"
}

func (p *Program) input(ev *Event, name string) (in Input) {
	in.Name = name
	x, err := compile(name, scopeCondition, nil)
	if err != nil {
		in.Error = err.Error()
		return in
	}
	v, err := x.eval(ev.conditions(p.rule.ID))
	if err == nil {
		var b []byte
		if b, err = appendJSON(nil, v, 0); err == nil {
			in.Value = string(b)
		}
	}
	if err != nil {
		in.Error = oneLine(err.Error())
	}
	return in
}
