package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/unbroken/internal/act"
)

// maxRetryAfter bounds the target's wish: nobody outside may put an effect to sleep for a year.
const maxRetryAfter = time.Hour

// judge reads the status. What the target wrote is never quoted: it may echo our headers and signature.
//
//	2xx                       → Delivered; Retry if it breaks off in the middle, since its sender then died over it
//	425, 429                  → Unsent: turned away before it was applied; not before Retry-After
//	408, 409, 5xx             → Retry, not before Retry-After
//	3xx                       → Refused: following it would carry the signature to somebody else
//	other                     → Refused: the same bytes would be refused again
func judge(resp *http.Response, cut bool, now time.Time) act.Answer {
	code := resp.StatusCode
	said := strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
	switch {
	case code >= 200 && code < 300 && cut:
		return retry(said+", but the answer broke off", 0)
	case code >= 200 && code < 300:
		return act.Answer{Verdict: act.Delivered, Evidence: said}
	case code == http.StatusTooManyRequests, code == http.StatusTooEarly:
		return unsent(said, retryAfter(resp.Header.Get("Retry-After"), now))
	case code >= 500, code == http.StatusRequestTimeout,
		code == http.StatusConflict: // an earlier attempt with the same key is still at work there
		return retry(said, retryAfter(resp.Header.Get("Retry-After"), now))
	case code >= 300 && code < 400:
		return refused(said + ": redirects are not followed; put the final URL into the action")
	}
	return refused(said)
}

// retryAfter reads seconds or an HTTP date; 0 where it is neither, or past.
// https://www.rfc-editor.org/rfc/rfc9110.html#section-10.2.3
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(min(at.Sub(now), maxRetryAfter), 0)
}

// unanswered says what follows from an attempt without an answer. A forbidden address is for a person. Without a
// connection (refused, no such name, a handshake that failed) nothing was sent; otherwise whether the request was
// applied is not known. Errors are named by their kind, not by their
// text, which may quote what came back.
func unanswered(ctx context.Context, err error, connected bool) act.Answer {
	if blocked, ok := errors.AsType[*BlockedError](err); ok {
		return refused(blocked.Error())
	}
	if !connected {
		return unsent("nothing was sent: "+kind(ctx, err), 0)
	}
	return retry("no answer: "+kind(ctx, err), 0)
}

func kind(ctx context.Context, err error) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "the attempt's time ran out"
	}
	if ctx.Err() != nil {
		return "the attempt was called off"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the host's name does not exist"
		}
		return "the host's name could not be looked up"
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && cert != nil {
		return "the host's certificate is not trusted"
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error() // connection refused, connection reset by peer, …
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "connecting took too long"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed"
	}
	return fmt.Sprintf("the exchange failed (%T)", err)
}

func refused(evidence string) act.Answer {
	return act.Answer{Verdict: act.Refused, Evidence: line(evidence)}
}

func retry(evidence string, after time.Duration) act.Answer {
	return act.Answer{Verdict: act.Retry, RetryAfter: after, Evidence: line(evidence)}
}

func unsent(evidence string, after time.Duration) act.Answer {
	return act.Answer{Verdict: act.Unsent, RetryAfter: after, Evidence: line(evidence)}
}

// line makes one short line of s.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxEvidence {
		s = strings.ToValidUTF8(s[:maxEvidence], "") + "…"
	}
	return s
}
