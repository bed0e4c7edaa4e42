package target

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"example.com/unbroken/internal/looptest"
)

// faults make the next call that would apply an effect fail in a chosen way.
type faults struct {
	mu    sync.Mutex
	armed bool
	fault looptest.Fault
	met   func()
	calls int
}

func (f *faults) arm(fault looptest.Fault, met func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.fault, f.met = true, fault, met
}

func (f *faults) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// next counts a call and takes the fault that it meets.
func (f *faults) next() (fault looptest.Fault, met func(), armed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	fault, met, armed = f.fault, f.met, f.armed
	f.armed = false
	return fault, met, armed
}

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// around makes one call of a fake as the SDK would: apply decides what happens, the error is what it looks like.
func (f *faults) around(ctx context.Context, apply func() error) error {
	fault, met, armed := f.next()
	if !armed {
		return apply()
	}
	switch fault {
	case looptest.LoseAnswer:
		return errors.Join(apply(), errReset)
	case looptest.Unreachable:
		return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case looptest.Throttle:
		return answered(http.StatusBadRequest, "ThrottlingException")
	case looptest.Deny:
		return answered(http.StatusForbidden, "AccessDeniedException")
	case looptest.Break:
		return answered(http.StatusInternalServerError, "InternalFailure")
	case looptest.Hang:
		met()
		<-ctx.Done()
	}
	return ctx.Err()
}

// answered is an error as the SDK returns it.
func answered(status int, code string) error {
	fault := smithy.FaultClient
	if status >= 500 {
		fault = smithy.FaultServer
	}
	return answeredAs(status, &smithy.GenericAPIError{Code: code, Message: "hush-hush", Fault: fault})
}

func answeredAs(status int, err error) error {
	return &smithy.OperationError{ServiceID: "S", OperationName: "O", Err: &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err},
	}}
}

// lossy is an HTTP client on which the same faults happen, for the emulator. Only calls that apply meet them.
type lossy struct {
	faults
	client  http.RoundTripper
	applies func(*http.Request) bool
}

// Do implements aws.HTTPClient.
func (l *lossy) Do(r *http.Request) (*http.Response, error) {
	if l.applies != nil && !l.applies(r) {
		return l.client.RoundTrip(r)
	}
	fault, met, armed := l.next()
	if !armed {
		return l.client.RoundTrip(r)
	}
	switch fault {
	case looptest.LoseAnswer:
		resp, err := l.client.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, errors.Join(err, errReset)
	case looptest.Unreachable:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case looptest.Throttle:
		return empty(r, http.StatusTooManyRequests), nil
	case looptest.Deny:
		return empty(r, http.StatusForbidden), nil
	case looptest.Break:
		return empty(r, http.StatusInternalServerError), nil
	case looptest.Hang:
		met()
		<-r.Context().Done()
	}
	return nil, r.Context().Err()
}

// whole reads an answer to its end before it hands it on. The SDK closes a request's body as soon as it has the
// head of the answer; an emulator on loopback can be so fast that the transport is still looking for that body's
// end, takes it for a failed write and closes the connection under the answer.
type whole struct{ http.RoundTripper }

func (w whole) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func empty(r *http.Request, status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}
}
