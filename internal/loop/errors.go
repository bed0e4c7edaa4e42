package loop

import (
	"errors"
	"fmt"
)

// Code names why something was refused or quarantined. Codes are part of the interface: they stand in answers,
// logs, dead letters and metrics, and never change their meaning.
type Code string

// Codes of refusals and quarantines.
const (
	CodeMalformed      Code = "malformed"          // not JSON, not CloudEvents, not UTF-8
	CodeInvalidEvent   Code = "invalid_event"      // CloudEvents with an attribute missing or wrong
	CodeInvalidData    Code = "invalid_data"       // data that the input's schema does not allow
	CodeTooLarge       Code = "too_large"          // beyond a limit of DESIGN section 8
	CodeBatchTooLarge  Code = "batch_too_large"    // more than MaxBatchEvents
	CodeUnsupported    Code = "unsupported_media"  // a content type that the input does not take
	CodeUnknownInput   Code = "unknown_input"      // no such input in loop.yaml
	CodeReserved       Code = "reserved_source"    // source `unbroken:*` from outside
	CodeTimeOutOfRange Code = "time_out_of_range"  // beyond the input's max_skew
	CodeUnavailable    Code = "unavailable"        // not durably stored; send it again
	CodeThrottled      Code = "throttled"          // send it again later
	CodeRuleFailed     Code = "rule_failed"        // CEL error: a field missing or of another type
	CodeRuleCost       Code = "rule_cost_exceeded" // CEL cost limit
	CodeRulePanicked   Code = "rule_panicked"      // a bug of ours; the signal is kept
	CodeRenderFailed   Code = "render_failed"      // a template could not be rendered
	CodeHopLimit       Code = "hop_limit"          // causation deeper than MaxHops
	CodeUnknownEffect  Code = "unknown_effect"     // a target or class that this version does not know
	CodeExhausted      Code = "attempts_exhausted" // retried until the stage gave up
	CodeUnauthorized   Code = "unauthorized"       // nobody that the input knows sent it
	CodeForbidden      Code = "forbidden"          // a source that the credential does not speak for
	CodeNotFound       Code = "not_found"
	CodeMethod         Code = "method_not_allowed" // HTTP only: the path takes another method
	CodeInvalidQuery   Code = "invalid_query"      // HTTP only: a query parameter that cannot be read
)

// A refusal over HTTP is a problem document: https://www.rfc-editor.org/rfc/rfc9457
const (
	MediaProblem  = "application/problem+json"
	ProblemPrefix = "urn:unbroken:problem:" // of the type; the code follows
)

// Refusal is a typed error about input: what is wrong with it, for the one who sent it. Detail never holds
// internals or secrets.
type Refusal struct {
	Code    Code
	Detail  string
	Pointer string // RFC 6901, into the event, where one place in it is what is wrong
}

// Error implements error.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Detail }

// Refuse makes a Refusal.
func Refuse(code Code, format string, args ...any) error {
	return &Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// CodeOf finds the code of a refusal in err, or "" where err is something else.
func CodeOf(err error) Code {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code
	}
	return ""
}

// Errors that callers branch on.
var (
	// ErrConflict: a conditional write found another state than the one read; read again and decide again.
	ErrConflict = errors.New("conflict: the record changed since it was read")
	// ErrFenced: the token is no longer the holder's; another one took over.
	ErrFenced = errors.New("fenced: another holder took over")
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("not found")
)
