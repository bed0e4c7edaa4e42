package rule

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
)

// Bounds on what an expression may be. A rule is written by a person; what is larger than this is generated, or
// an attack (FAULTS: CEL of extreme size, depth, regexes and comprehensions).
const (
	maxExprBytes    = 4 << 10
	maxExprDepth    = 50
	maxLoopNesting  = 2
	maxRegexProgram = 1000
)

// scope says which variables an expression may name: what a rule asks before it knows its key cannot use the key.
type scope uint8

const (
	scopeCondition scope = iota // when, until, key
	scopeStep                   // templates of a step's `with`
	scopeAction                 // templates of an action
	scopeBody                   // the mapping of an input: there is no signal yet
)

func (s scope) has(name string) bool {
	if name == "body" || s == scopeBody {
		return name == "body" && s == scopeBody
	}
	switch name {
	case "signal", "rule":
		return true
	case "key", "phase", "episode":
		return s >= scopeStep
	}
	return s >= scopeAction
}

// celEnv is the one environment of all expressions. Numbers compare across types, because the numbers of a
// signal are doubles and people write `> 5`; arithmetic does not mix, as CEL has it: write `* 2.0`.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#numeric-values
//
// No extension library: replace or format can turn a small signal into a huge string within one call, before
// the cost limit sees it.
var celEnv = sync.OnceValues(func() (*cel.Env, error) { return newCELEnv(cel.DynType) })

// newCELEnv makes an environment in which signals have the type given.
func newCELEnv(signal *cel.Type, more ...cel.EnvOption) (*cel.Env, error) {
	return cel.NewEnv(append(more,
		cel.Variable("signal", signal),
		cel.Variable("rule", cel.StringType),
		cel.Variable("key", cel.StringType),
		cel.Variable("phase", cel.StringType),
		cel.Variable("episode", cel.IntType),
		cel.Variable("with", cel.DynType),
		cel.Variable("effect", cel.StringType),
		cel.Variable("undoes", cel.StringType),
		cel.Variable("body", cel.DynType),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExprBytes),
		cel.ParserRecursionLimit(maxExprDepth),
		cel.ParserErrorRecoveryLimit(4),
		cel.RegexProgramSizeLimit(maxRegexProgram),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(),
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateComprehensionNestingLimit(maxLoopNesting),
		),
	)...)
}

// activation binds the variables for one evaluation.
type activation struct {
	event   *Event
	rule    string
	key     string
	phase   string
	episode int64
	with    *object
	effect  string
	undoes  string
	body    ref.Val // of a request that is to become a signal
}

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "signal":
		return a.signal(), true
	case "rule":
		return a.rule, true
	case "key":
		return a.key, true
	case "phase":
		return a.phase, true
	case "episode":
		return a.episode, true
	case "with":
		return a.with, true
	case "effect":
		return a.effect, true
	case "undoes":
		return a.undoes, true
	case "body":
		return a.body, a.body != nil
	}
	return nil, false
}

func (a *activation) signal() *object {
	if a.event.signal == nil {
		a.event.signal = &object{raw: a.event.raw, event: a.event}
	}
	return a.event.signal
}

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }

var _ cel.Activation = (*activation)(nil)
