package main

import "errors"

// Exit codes. They are documented in the help and never change their meaning.
const (
	exitOK          = 0
	exitProblem     = 1 // something is wrong with what was given: a rule, an event, a file; a test fails; decisions differ
	exitUsage       = 2 // the command was not understood
	exitNotAccepted = 3 // not everything that was sent was accepted
	exitUnreachable = 4 // what was asked for does not answer
)

const exitHelp = `Exit codes: 0 all well; 1 a problem with the input (rules, events, files, or what was asked for is not there),
a failed rule test, or a backtest with differences; 2 wrong usage; 3 not every signal was accepted; 4 the loop, a region of it or the local world cannot be reached.`

// failure is an error with its exit code.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, err error) error { return &failure{code, err} }

// codeOf finds the exit code of an error. What nobody gave a code is a problem with the input.
func codeOf(err error) int {
	if err == nil {
		return exitOK
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	return exitProblem
}

// errSilent ends a command whose output has said everything.
var errSilent = errors.New("")
