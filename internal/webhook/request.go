package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
)

// Headers of our own. They are set last, so that no action can set them.
const (
	// net/http takes a request with an `Idempotency-Key` for one that it may send again by itself. It looks for
	// this spelling only; header names are not case-sensitive for anybody else.
	// https://github.com/golang/go/issues/19943
	headerIdempotency = "idempotency-key"

	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// methods that an effect may use.
func methods() []string {
	return []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodGet}
}

// connectionHeaders belong to the connection, not to the request; who sets one of them can make two servers read
// two different requests from the same bytes. https://www.rfc-editor.org/rfc/rfc9110.html#section-7.6.1
func connectionHeaders() []string {
	return []string{
		"connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection",
		"te", "trailer", "transfer-encoding", "upgrade",
	}
}

// build makes the request of one attempt. Its errors are for a person and hold neither the URL nor a header's
// value: both may carry a token.
func build(ctx context.Context, effectID string, r loop.Request) (*http.Request, error) {
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	if !slices.Contains(methods(), method) {
		return nil, fmt.Errorf("method %.20q is not allowed; use one of %s", method, strings.Join(methods(), ", "))
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, http.NoBody)
	if err != nil {
		return nil, errors.New("the URL cannot be parsed")
	}
	switch u := req.URL; {
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return nil, errors.New("the URL must be https://host/…")
	case u.User != nil:
		return nil, errors.New("the URL holds a user name or password; use a header or a secret")
	}
	if err := setHeaders(req.Header, r.Headers); err != nil {
		return nil, err
	}
	req.Header[headerIdempotency] = []string{effectID}
	req.Header.Set(headerID, effectID)
	setBody(req, r.Body)
	return req, nil
}

// setBody takes care that net/http cannot send the body twice: with GetBody nil it has no second copy of it.
// Without a body, HTTP/1 may repeat a GET, and HTTP/2 whatever its server refuses to start; an empty reader stops
// both, and net/http sends no body for it. For methods that usually have a body it would send an empty chunked
// one, so these keep http.NoBody: the spelling of headerIdempotency keeps HTTP/1 from repeating them, and HTTP/2
// repeats only what the server declared untouched.
// https://pkg.go.dev/net/http#Transport
func setBody(req *http.Request, body string) {
	req.GetBody = nil
	switch {
	case body != "":
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	case req.Method == http.MethodGet, req.Method == http.MethodDelete:
		req.Body = io.NopCloser(bytes.NewReader(nil))
	}
}

func setHeaders(h http.Header, rendered map[string]string) error {
	h.Set("User-Agent", "unbroken")
	for name, value := range rendered {
		lower := strings.ToLower(name)
		switch {
		case !token(name):
			return errors.New("a header's name holds characters that HTTP does not allow")
		case strings.ContainsFunc(value, control):
			return fmt.Errorf("the value of header %.50s holds control characters", name)
		case slices.Contains(connectionHeaders(), lower):
			return fmt.Errorf("header %s belongs to the connection and cannot be set", lower)
		case lower == "x-idempotency-key":
			h[lower] = []string{value} // see headerIdempotency
		case lower == headerIdempotency, lower == headerID, lower == headerTimestamp, lower == headerSignature:
			return fmt.Errorf("header %s is the loop's own and cannot be set", lower)
		default:
			h.Set(name, value)
		}
	}
	return nil
}

// control says whether r may not stand in a header's value: CR and LF would start a new header.
func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// token says whether s is a header's name. https://www.rfc-editor.org/rfc/rfc9110.html#section-5.6.2
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
