package rule

import (
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
)

// small says whether an expression stays far below the cost limit whatever the signal holds, so that nothing needs to
// count while it runs: counting is half of what an ordinary condition costs. Nothing in it loops or makes a value
// larger, each of its nodes, of which there are at most maxExprBytes, costs one unit, and a comparison is with
// something written down, which bounds it. What is not known here is counted.
func small(e celast.Expr) bool {
	switch e.Kind() {
	case celast.LiteralKind, celast.IdentKind:
		return true
	case celast.SelectKind:
		return small(e.AsSelect().Operand())
	case celast.CallKind:
	default:
		return false
	}
	call := e.AsCall()
	args := call.Args()
	for _, arg := range args {
		if !small(arg) && !literals(arg) {
			return false
		}
	}
	if call.IsMemberFunction() && !small(call.Target()) {
		return false
	}
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional,
		operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, operators.Negate:
		return true
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return literal(args[0]) || literal(args[1])
	case operators.Index:
		return literal(args[1])
	case operators.In:
		return literals(args[1])
	case overloads.StartsWith, overloads.EndsWith:
		return literal(args[0])
	}
	return false
}

func literal(e celast.Expr) bool { return e.Kind() == celast.LiteralKind }

// literals says whether e is a list of nothing but literals.
func literals(e celast.Expr) bool {
	if e.Kind() != celast.ListKind {
		return false
	}
	for _, element := range e.AsList().Elements() {
		if !literal(element) {
			return false
		}
	}
	return true
}
