package rule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"example.com/unbroken/internal/loop"
)

const (
	// costLimit is what one evaluation may spend, in CEL's own units: a comparison costs about 1, so honest rules
	// stay below 100. It counts work, not time, so it strikes at the same place in every region.
	costLimit = 100_000
	// loopTimeout interrupts a loop whose single steps are slow. It is far beyond what the cost limit allows an
	// honest rule, so it never decides one.
	loopTimeout = 2 * time.Second
	// interruptEvery is how many iterations pass between two looks at the timeout.
	interruptEvery = 100
)

// expr is a compiled CEL expression. Safe for concurrent use.
type expr struct {
	quick   quick
	program cel.Program
	timeout time.Duration // 0 where nothing loops
}

// compile checks an expression and makes it runnable. want is the type it must have where that is known before
// the signal is; nil for any.
func compile(src string, in scope, want *cel.Type) (*expr, error) {
	if len(src) > maxExprBytes {
		return nil, fmt.Errorf("the expression has %d bytes; at most %d are allowed", len(src), maxExprBytes)
	}
	env, err := celEnv()
	if err != nil {
		return nil, fmt.Errorf("make the CEL environment: %w", err)
	}
	checked, issues := check(env, src)
	if issues.Err() != nil {
		return nil, errors.New(firstIssue(issues))
	}
	if out := checked.OutputType(); want != nil && out != cel.DynType && !fits(out, want) {
		if want == anyNumber {
			return nil, fmt.Errorf("the expression gives %s; it must give a number", out)
		}
		return nil, fmt.Errorf("the expression gives %s; it must give %s", out, want)
	}
	tree := checked.NativeRep()
	for _, r := range tree.ReferenceMap() {
		if r.Name != "" && declared(env, r.Name) && !in.has(r.Name) {
			return nil, fmt.Errorf("`%s` is not known here", r.Name)
		}
	}
	loops, err := checkLoops(tree)
	if err != nil {
		return nil, err
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)} // constant regexes and sets are prepared here, once
	if !small(tree.Expr()) {
		options = append(options, cel.CostLimit(costLimit), cel.CostTracking(sizedCost{}))
	}
	if loops {
		options = append(options, cel.InterruptCheckFrequency(interruptEvery))
	}
	program, err := env.Program(checked, options...)
	if err != nil {
		return nil, errors.New(oneLine(err.Error()))
	}
	x := &expr{program: program, quick: quickOf(tree.Expr())}
	if loops {
		x.timeout = loopTimeout
	}
	return x, nil
}

// anyNumber is what an expression must give that gives a number of any type.
var anyNumber = cel.DoubleType

func fits(out, want *cel.Type) bool {
	return out.IsExactType(want) || want == anyNumber && (out.IsExactType(cel.IntType) || out.IsExactType(cel.UintType))
}

// checking makes checks take turns: the checker fills its catalog of names at the first error, while it copies
// itself, catalog included, at every macro (cel-go v0.33.2, checker/env.go: Catalog and cloneWithDecls).
var checking sync.Mutex

// check parses and type-checks an expression. Safe for concurrent use.
func check(env *cel.Env, src string) (*cel.Ast, *cel.Issues) {
	checking.Lock()
	defer checking.Unlock()
	return env.Compile(src)
}

func declared(env *cel.Env, name string) bool {
	for _, v := range env.Variables() {
		if v.Name() == name {
			return true
		}
	}
	return false
}

// checkLoops says whether the expression has comprehensions, and refuses those whose result would depend on the
// order in which Go walks a map: what is rendered must be the same bytes in every region. Maps that come from
// the signal or from `with` are walked in order of names; only map literals are not. A literal reaches a loop
// through its range or through that of a loop around it; all and exists alone do not depend on the order.
func checkLoops(tree *celast.AST) (bool, error) {
	var loops, overLiteral, makesList bool
	celast.PostOrderVisit(tree.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.ComprehensionKind {
			return
		}
		loops = true
		c := e.AsComprehension()
		overLiteral = overLiteral || hasMapLiteral(c.IterRange())
		makesList = makesList || c.AccuInit().Kind() == celast.ListKind
	}))
	if overLiteral && makesList {
		return loops, errors.New("map and filter over a map literal have no defined order: walk a list instead")
	}
	return loops, nil
}

func hasMapLiteral(e celast.Expr) bool {
	found := false
	celast.PostOrderVisit(e, celast.NewExprVisitor(func(e celast.Expr) {
		found = found || e.Kind() == celast.MapKind
	}))
	return found
}

// estimate refuses an expression whose cheapest evaluation is beyond the limit. The upper bound says nothing
// here: the sizes of a signal's parts are not known before it arrives, and that is what the run-time limit is for.
func estimate(src string) error {
	env, err := celEnv()
	if err != nil {
		return err
	}
	checked, issues := check(env, src)
	if issues.Err() != nil {
		return nil //nolint:nilerr // compile has reported it
	}
	cost, err := env.EstimateCost(checked, nil)
	if err == nil && cost.Min > costLimit {
		return fmt.Errorf("costs at least %d units; at most %d are allowed", cost.Min, costLimit)
	}
	return nil
}

// eval evaluates the expression. Whatever goes wrong is a refusal: this signal, this rule, nothing else.
func (x *expr) eval(vars *activation) (ref.Val, error) {
	if x.quick.value != nil {
		if v, ok := x.quick.value.find(vars); ok {
			return v, nil
		}
	}
	var out ref.Val
	var err error
	if x.timeout > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), x.timeout)
		out, _, err = x.program.ContextEval(ctx, vars)
		cancel()
	} else {
		out, _, err = x.program.Eval(vars)
	}
	if err == nil {
		return out, nil
	}
	if cancelled, ok := errors.AsType[interpreter.EvalCancelledError](err); ok {
		return nil, loop.Refuse(loop.CodeRuleCost, "%s", oneLine(cancelled.Message))
	}
	if errors.Is(err, interpreter.InterruptError{}) {
		return nil, loop.Refuse(loop.CodeRuleCost, "interrupted after %s", x.timeout)
	}
	if _, ok := errors.AsType[*types.Err](err); !ok && strings.HasPrefix(err.Error(), "internal error") {
		return nil, loop.Refuse(loop.CodeRulePanicked, "%s", oneLine(err.Error()))
	}
	return nil, loop.Refuse(loop.CodeRuleFailed, "%s", oneLine(err.Error()))
}

// evalBool evaluates a condition.
func (x *expr) evalBool(vars *activation) (bool, error) {
	if holds, known := x.quick.holds(vars); known {
		return holds, nil
	}
	v, err := x.eval(vars)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, loop.Refuse(loop.CodeRuleFailed, "gives %s, not bool", v.Type().TypeName())
	}
	return bool(b), nil
}

// firstIssue is CEL's first complaint without its drawing of the source.
func firstIssue(issues *cel.Issues) string {
	errs := issues.Errors()
	if len(errs) == 0 {
		return oneLine(issues.Err().Error())
	}
	e := errs[0]
	e.Message, _, _ = strings.Cut(e.Message, " expecting {") // the parser lists all that it would have taken
	e.Message = strings.Replace(strings.TrimPrefix(e.Message, "Syntax error: "), "mismatched input '<EOF>'", "ends too early", 1)
	if line := e.Location.Line(); line > 1 {
		return fmt.Sprintf("%s (line %d, column %d of the expression)", oneLine(e.Message), line, e.Location.Column()+1)
	}
	return fmt.Sprintf("%s (column %d of the expression)", oneLine(e.Message), e.Location.Column()+1)
}

// oneLine bounds a message from elsewhere: it may quote a value of any size.
func oneLine(s string) string {
	const most = 240
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
