package target

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// call watches one call to AWS, to know for certain where nothing left this machine.
type call struct {
	asked, connected atomic.Bool
}

func watch(ctx context.Context) (context.Context, *call) {
	c := &call{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.connected.Store(true) },
	}), c
}

// answer says what follows from an error. Whoever reads it may send again only where that cannot double anything,
// so "not applied" is said only where it is certain.
//
//	throttled, credentials run out, clock skewed → Unsent: AWS turned the request away before it was applied
//	4xx otherwise                                → Refused: the same request would be refused again
//	5xx, request timeout                         → Retry: it may have been applied
//	no answer                                    → Unsent where no connection was made, otherwise Retry
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func (c *call) answer(err error) act.Answer {
	status, code := statusOf(err), codeOf(err)
	said := strings.TrimSpace(fmt.Sprintf("answered %d %s", status, code))
	switch {
	case forCredentials(err):
		return unsent("nothing was sent: no credentials to sign it with")
	case status == 0 && code == "":
		return c.unanswered(err)
	case turnedAway(status, err, code):
		return unsent(said)
	case status == http.StatusBadRequest && (code == "" || code == "UnknownError"):
		return unsent(said + " without a reason") // turned away for certain, but whether for good is not known
	case status >= 500, status >= 200 && status < 300, retriable(code), status == http.StatusRequestTimeout:
		return act.Answer{Verdict: act.Retry, Evidence: line(said)}
	case status == 0 && faultOf(err) == smithy.FaultServer:
		return act.Answer{Verdict: act.Retry, Evidence: line(said)}
	}
	return refused(said + hint(status, code))
}

// before is answer for a call that only reads: whatever became of it, nothing was applied.
func (c *call) before(err error) act.Answer {
	a := c.answer(err)
	if a.Verdict == act.Retry {
		a.Verdict = act.Unsent
	}
	return a
}

func (c *call) unanswered(err error) act.Answer {
	var (
		dial    *net.OpError
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		signing *v4.SigningError
		build   *smithy.SerializationError
		params  *smithy.InvalidParamsError
	)
	switch {
	case errors.As(err, &build), errors.As(err, &params):
		return refused("the request cannot be built from what was rendered")
	case errors.As(err, &signing):
		return unsent("nothing was sent: the request could not be signed")
	case errors.As(err, &dns):
		return unsent("nothing was sent: the endpoint's name could not be looked up")
	case errors.As(err, &dial) && dial.Op == "dial":
		return unsent("nothing was sent: the endpoint cannot be connected to")
	case errors.As(err, &cert):
		return unsent("nothing was sent: the endpoint's certificate is not trusted")
	case c.asked.Load() && !c.connected.Load():
		return unsent("nothing was sent: no connection was made in time")
	case errors.Is(err, context.DeadlineExceeded):
		return act.Answer{Verdict: act.Retry, Evidence: "no answer: the attempt's time ran out"}
	case errors.Is(err, context.Canceled):
		return act.Answer{Verdict: act.Retry, Evidence: "no answer: the attempt was called off"}
	}
	return act.Answer{Verdict: act.Retry, Evidence: "no answer: the exchange failed"}
}

// forCredentials says whether it was an inner call, for the credentials, that failed: what it was answered says
// nothing about the effect.
func forCredentials(err error) bool {
	outer, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return false
	}
	_, inner := errors.AsType[*smithy.OperationError](outer.Err)
	return inner
}

// turnedAway says whether AWS refused the request for now, before applying it.
func turnedAway(status int, err error, code string) bool {
	if status == http.StatusTooManyRequests || strings.Contains(code, "Throttl") {
		return true
	}
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestTimeTooSkewed", "RequestExpired",
		"TooManyUpdates", "OverLimit", "OperationAborted", "ReplicatedWriteConflictException":
		return true
	}
	return retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}

// retriable are the codes of a 400 that is not the request's fault.
func retriable(code string) bool { return strings.HasPrefix(code, "RequestTimeout") }

func hint(status int, code string) string {
	switch {
	case strings.Contains(code, "AccessDenied"), strings.HasPrefix(code, "Authorization"), status == http.StatusForbidden:
		return ": act's role, or the resource's policy, does not allow it"
	case strings.Contains(code, "NotFound"), strings.Contains(code, "NonExistent"), strings.Contains(code, "DoesNotExist"), status == http.StatusNotFound:
		return ": create the resource, or correct its name"
	}
	return ""
}

func statusOf(err error) int {
	var resp interface{ HTTPStatusCode() int }
	if errors.As(err, &resp) {
		return resp.HTTPStatusCode()
	}
	return 0
}

// codeOf is the error's code. Its text is never quoted: it may repeat what was sent.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func faultOf(err error) smithy.ErrorFault {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorFault()
	}
	return smithy.FaultUnknown
}

// standing compares the fence that a resource holds with the effect's. more says that the effect is newer and has
// to be applied.
func standing(holds string, e loop.Effect) (a act.Answer, more bool) {
	switch held := loop.Fence(holds); {
	case held == "" || held < e.Fence:
		return act.Answer{}, true
	case held == e.Fence:
		return delivered("it stands already"), false
	}
	return act.Answer{Verdict: act.Outdated, Evidence: "a newer effect stands there"}, false
}

func delivered(format string, args ...any) act.Answer {
	return act.Answer{Verdict: act.Delivered, Evidence: line(fmt.Sprintf(format, args...))}
}

func refused(evidence string) act.Answer {
	return act.Answer{Verdict: act.Refused, Evidence: line(evidence)}
}

func unsent(evidence string) act.Answer {
	return act.Answer{Verdict: act.Unsent, Evidence: line(evidence)}
}

const maxEvidence = 300

// line makes one short line of s.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxEvidence {
		s = strings.ToValidUTF8(s[:maxEvidence], "") + "…"
	}
	return s
}
