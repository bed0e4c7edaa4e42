package webhook

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
)

// The faults of a target, FAULTS 29. Each must cost one request, end in time and leave a verdict.

func TestRetryAfterIsHonouredWithinBounds(t *testing.T) {
	t.Parallel()
	date := func(d time.Duration) string { return now().Add(d).UTC().Format(http.TimeFormat) }
	for value, wait := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "0": 0, "-5": 0, "soon": 0, "1.5": 0,
		"3600": time.Hour, "86400": time.Hour, "99999999999999999999": time.Hour, " 7 ": 7 * time.Second,
		date(90 * time.Second): 90 * time.Second, date(-time.Hour): 0, date(48 * time.Hour): time.Hour,
	} {
		for _, code := range []int{429, 503} {
			srv, got := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(code)
			})
			a := target(t, nil, address(srv)).Deliver(t.Context(), effect(srv.URL))
			if a.Verdict != map[int]act.Verdict{429: act.Unsent, 503: act.Retry}[code] || a.RetryAfter != wait || got.count() != 1 {
				t.Errorf("%d %q: %v after %s, %d requests; want Retry after %s", code, value, a.Verdict, a.RetryAfter, got.count(), wait)
			}
		}
	}
}

func TestATargetThatHangsCostsTheAttemptsTime(t *testing.T) {
	t.Parallel()
	attempt := spent{t.Context(), make(chan struct{})}
	srv, got := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(attempt.over) // only now: a busy machine may take any time to get here
		<-r.Context().Done()
	})
	want(t, target(t, nil, address(srv)).Deliver(attempt, effect(srv.URL)), act.Retry, "time ran out")
	if got.count() != 1 {
		t.Errorf("%d requests", got.count())
	}
}

// spent is a context whose deadline has passed once over is closed.
type spent struct {
	context.Context
	over chan struct{}
}

func (s spent) Done() <-chan struct{} { return s.over }

func (s spent) Err() error {
	select {
	case <-s.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestAResetIsRetried(t *testing.T) {
	t.Parallel()
	srv, got := serve(t, func(w http.ResponseWriter, _ *http.Request) { reset(w) })
	want(t, target(t, nil, address(srv)).Deliver(t.Context(), effect(srv.URL)), act.Retry, "no answer")
	if got.count() != 1 {
		t.Errorf("%d requests", got.count())
	}
}

func TestAnAnswerThatBreaksOffIsRetried(t *testing.T) {
	t.Parallel()
	srv, got := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		reset(w)
	})
	want(t, target(t, nil, address(srv)).Deliver(t.Context(), effect(srv.URL)), act.Retry, "broke off")
	if got.count() != 1 {
		t.Errorf("%d requests", got.count())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other, theirs := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, code := range []int{301, 302, 303, 307, 308} {
		srv, got := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, code) })
		tg := target(t, nil, address(srv), address(other))
		want(t, tg.Deliver(t.Context(), effect(srv.URL)), act.Refused, "redirects are not followed")
		if got.count() != 1 || theirs.count() != 0 {
			t.Errorf("%d: %d requests here, %d there", code, got.count(), theirs.count())
		}
	}
}

func TestAnEndlessAnswerIsCut(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	srv, got := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		chunk := strings.Repeat("x", 16<<10)
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	tg := target(t, nil, address(srv))
	tg.drain = time.Hour // so that the size alone ends it
	want(t, tg.Deliver(t.Context(), effect(srv.URL)), act.Delivered, "200 OK")
	<-ended // the connection was closed on it
	if got.count() != 1 {
		t.Errorf("%d requests", got.count())
	}
}

func TestADrippingAnswerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	tg := target(t, nil, address(srv))
	tg.drain = 20 * time.Millisecond
	want(t, tg.Deliver(t.Context(), effect(srv.URL)), act.Delivered, "200 OK")
}

func TestEndlessHeadersAreCut(t *testing.T) {
	t.Parallel()
	more := make(chan struct{}, 1)
	l := raw(t, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		_, err := http.ReadRequest(bufio.NewReader(c)) // closing with something unread would be a reset
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for sent := 0; err == nil && sent < 9<<20; { // less than net/http takes by default
			var n int
			n, err = io.WriteString(c, "X-A: "+strings.Repeat("hook-token", 1000)+"\r\n")
			sent += n
		}
		_, _ = io.WriteString(c, "\r\n")
		more <- struct{}{}
	})
	defer func() { <-more }()
	want(t, target(t, nil, l.Addr().String()).Deliver(t.Context(), effect("http://"+l.Addr().String())), act.Retry, "no answer")
}

func TestWhatIsNotHTTPIsRetriedAndNotQuoted(t *testing.T) {
	t.Parallel()
	l := raw(t, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		_, _ = http.ReadRequest(bufio.NewReader(c)) // what comes before the request is nobody's answer
		_, _ = io.WriteString(c, "hook-token hook-token\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	want(t, target(t, nil, l.Addr().String()).Deliver(t.Context(), effect("http://"+l.Addr().String())), act.Retry, "no answer")
}

func TestATargetThatIsDownIsRetried(t *testing.T) {
	t.Parallel()
	addr := deaf(t)
	want(t, target(t, nil, addr).Deliver(t.Context(), effect("http://"+addr)), act.Unsent, "connection refused")
}

func TestAnUntrustedCertificateIsRetried(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of our hanging up
	srv.StartTLS()
	t.Cleanup(srv.Close)
	want(t, target(t, nil, address(srv)).Deliver(t.Context(), effect(srv.URL)), act.Unsent, "certificate is not trusted")
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 32<<10))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	tg := target(t, nil, address(srv))
	tg.drain = time.Hour
	const deliveries = 20
	for range deliveries {
		want(t, tg.Deliver(t.Context(), effect(srv.URL)), act.Delivered, "200")
	}
	// net/http gives a connection up whose writer is not seen to be done within 50 ms, which a busy machine brings about.
	if n := connections.Load(); n > deliveries/2 {
		t.Errorf("%d connections for %d deliveries", n, deliveries)
	}
}

// reset ends the connection with RST.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
