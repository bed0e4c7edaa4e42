package rule

import (
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Most conditions compare members of the signal with something written down, and most keys are one member. These are
// evaluated here: a CEL program is a dozen objects a rule, of which among a thousand rules none is in a cache. Whatever
// is not as expected (a member is missing, or of another type) is left to CEL, so that what it means and how it fails is
// CEL's alone; a property test holds the two against each other.

// members is a chain of members that begins at `signal`.
type members []string

// comparison is a member of the signal compared with a number or a text.
type comparison struct {
	of     members
	isText bool
	text   string
	number float64
	take   [3]bool // whether it holds if the member is less, equal, more
}

// quick is what of an expression needs no CEL: comparisons that must all hold, or one member.
type quick struct {
	all   []comparison
	value members
}

func quickOf(e celast.Expr) (q quick) {
	if p, ok := pathOf(e); ok && len(p) > 0 {
		return quick{value: p}
	}
	if all, ok := conjunction(nil, e); ok {
		return quick{all: all}
	}
	return quick{}
}

func conjunction(all []comparison, e celast.Expr) ([]comparison, bool) {
	if e.Kind() != celast.CallKind || len(e.AsCall().Args()) != 2 {
		return nil, false
	}
	call := e.AsCall()
	if call.FunctionName() != operators.LogicalAnd {
		c, ok := comparisonOf(call)
		return append(all, c), ok
	}
	all, ok := conjunction(all, call.Args()[0])
	if !ok {
		return nil, false
	}
	return conjunction(all, call.Args()[1])
}

func comparisonOf(call celast.CallExpr) (c comparison, ok bool) {
	if c.of, ok = pathOf(call.Args()[0]); !ok || len(c.of) == 0 || call.Args()[1].Kind() != celast.LiteralKind {
		return c, false
	}
	switch v := call.Args()[1].AsLiteral().(type) {
	case types.Double:
		c.number = float64(v)
	case types.Int:
		c.number = float64(v) // as CEL compares a double with an int
	case types.String:
		c.isText, c.text = true, string(v)
	default:
		return c, false
	}
	switch call.FunctionName() {
	case operators.Less:
		c.take = [3]bool{true, false, false}
	case operators.LessEquals:
		c.take = [3]bool{true, true, false}
	case operators.Equals:
		c.take = [3]bool{false, true, false}
	case operators.NotEquals:
		c.take = [3]bool{true, false, true}
	case operators.GreaterEquals:
		c.take = [3]bool{false, true, true}
	case operators.Greater:
		c.take = [3]bool{false, false, true}
	default:
		return c, false
	}
	return c, true
}

// pathOf is the chain that e is; empty for `signal` itself.
func pathOf(e celast.Expr) (members, bool) {
	if e.Kind() == celast.IdentKind {
		return nil, e.AsIdent() == "signal"
	}
	if e.Kind() != celast.SelectKind || e.AsSelect().IsTestOnly() {
		return nil, false
	}
	p, ok := pathOf(e.AsSelect().Operand())
	return append(p, e.AsSelect().FieldName()), ok
}

func (p members) find(vars *activation) (v ref.Val, ok bool) {
	if vars.event == nil {
		return nil, false
	}
	o := vars.signal()
	for i, name := range p {
		if v, ok = o.find(name); !ok {
			return nil, false
		}
		if o, ok = v.(*object); !ok && i < len(p)-1 {
			return nil, false
		}
	}
	return v, !types.IsError(v) // such as a number that no double holds
}

// holds says whether all comparisons hold; known is false where CEL has to say.
func (q quick) holds(vars *activation) (holds, known bool) {
	for i := range q.all {
		c := &q.all[i]
		v, ok := c.of.find(vars)
		if !ok {
			return false, false
		}
		order := 0
		switch v := v.(type) {
		case types.Double:
			if c.isText {
				return false, false
			}
			order = compare(float64(v), c.number)
		case types.String:
			if !c.isText {
				return false, false
			}
			order = compare(string(v), c.text)
		default:
			return false, false
		}
		if !c.take[order+1] {
			return false, true // as in CEL: one that is false decides, even if another one fails
		}
	}
	return true, len(q.all) > 0
}

func compare[T float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
