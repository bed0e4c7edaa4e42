package webhook

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

// receiver is a target as the contract of `keyed` asks for: it applies a key once. Without a memory it is `once`.
type receiver struct {
	mu     sync.Mutex
	forget bool
	seen   map[string]bool
	held   []string
	armed  bool
	fault  looptest.Fault
	met    func()
	calls  int
}

func (r *receiver) arm(f looptest.Fault, met func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed, r.fault, r.met = true, f, met
}

// take is the fault that the next call meets, if it is one of those that want says.
func (r *receiver) take(want func(looptest.Fault) bool) (looptest.Fault, func(), bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.armed || !want(r.fault) {
		return 0, nil, false
	}
	r.armed = false
	return r.fault, r.met, true
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.calls++
	r.mu.Unlock()
	fault, met, armed := r.take(func(looptest.Fault) bool { return true })
	if armed && fault != looptest.LoseAnswer {
		switch fault {
		case looptest.Throttle:
			w.WriteHeader(http.StatusTooManyRequests)
		case looptest.Deny:
			w.WriteHeader(http.StatusForbidden)
		case looptest.Break:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			met()
			<-req.Context().Done()
		}
		return
	}
	if req.URL.Path != "/" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	r.mu.Lock()
	if key := req.Header.Get("Idempotency-Key"); r.forget || !r.seen[key] {
		r.seen[key], r.held = true, append(r.held, string(body))
	}
	r.mu.Unlock()
	if armed {
		panic(http.ErrAbortHandler) // applied, and the connection breaks
	}
}

// dial is how a call without a connection looks.
func (r *receiver) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if _, _, armed := r.take(func(f looptest.Fault) bool { return f == looptest.Unreachable }); armed {
		r.mu.Lock()
		r.calls++
		r.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

func TestWebhookConforms(t *testing.T) {
	t.Parallel()
	for _, class := range []loop.Class{loop.ClassKeyed, loop.ClassOnce} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			looptest.Targets(t, func(t *testing.T) looptest.TargetBench {
				t.Helper()
				r := &receiver{seen: map[string]bool{}, forget: class == loop.ClassOnce}
				srv := httptest.NewServer(r)
				t.Cleanup(srv.Close)
				tg := target(t, nil, address(srv))
				tg.plain = transport(r.dial, nil)
				t.Cleanup(tg.plain.(*http.Transport).CloseIdleConnections)
				return looptest.TargetBench{
					Target: tg, Class: class, Request: loop.Request{Method: http.MethodPost, URL: srv.URL + "/", Secret: "ssm:/key"},
					Missing: srv.URL + "/none", Arm: r.arm,
					Holds: func(*testing.T) []string {
						r.mu.Lock()
						defer r.mu.Unlock()
						return slices.Clone(r.held)
					},
					Calls: func() int {
						r.mu.Lock()
						defer r.mu.Unlock()
						return r.calls
					},
				}
			})
		})
	}
}
