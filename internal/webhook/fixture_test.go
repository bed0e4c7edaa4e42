package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// The example that the libraries of Standard Webhooks test with.
const (
	exampleSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleAt     = 1614265330
	exampleBody   = `{"test": 2432232314}`
	exampleSign   = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func now() time.Time { return time.Unix(exampleAt, 0) }

// secrets holds values by reference.
type secrets map[string]string

func (s secrets) Secret(_ context.Context, ref string) ([]byte, error) {
	if v, ok := s[ref]; ok {
		return []byte(v), nil
	}
	return nil, errors.New("access denied")
}

// seen is what reached a server.
type seen struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (s *seen) add(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// serve starts a server that counts requests before h answers them.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, *seen) {
	t.Helper()
	got := &seen{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.add(r)
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv, got
}

// target may reach what is listed.
func target(t *testing.T, roots *x509.CertPool, allow ...string) *Target {
	t.Helper()
	d, err := NewDialer(allow, "")
	if err != nil {
		t.Fatal(err)
	}
	return over(t, d, roots)
}

func over(t *testing.T, d *Dialer, roots *x509.CertPool) *Target {
	t.Helper()
	tg := New(Config{Dialer: d, Secrets: secrets{"ssm:/key": exampleSecret}, Now: now, RootCAs: roots})
	tg.secure.(*http.Transport).TLSHandshakeTimeout = time.Minute // a busy machine may need more than three seconds
	t.Cleanup(func() {
		tg.plain.(*http.Transport).CloseIdleConnections()
		tg.secure.(*http.Transport).CloseIdleConnections()
	})
	return tg
}

func effect(url string) loop.Effect {
	return loop.Effect{ID: exampleID, Request: &loop.Request{
		Method: http.MethodPost, URL: url, Headers: map[string]string{"Content-Type": "application/json"},
		Body: exampleBody, Secret: "ssm:/key",
	}}
}

func address(srv *httptest.Server) string { return srv.Listener.Addr().String() }

// want checks verdict and evidence, and that the evidence is fit for a claim and a log.
func want(t *testing.T, got act.Answer, verdict act.Verdict, evidence string) {
	t.Helper()
	if got.Verdict != verdict || !strings.Contains(got.Evidence, evidence) {
		t.Errorf("got %v %q, want %v %q", got.Verdict, got.Evidence, verdict, evidence)
	}
	if got.Evidence == "" || len(got.Evidence) > maxEvidence+3 || strings.ContainsAny(got.Evidence, "\r\n") {
		t.Errorf("evidence is not one short line: %q", got.Evidence)
	}
	for _, secret := range []string{exampleSecret, exampleSecret[6:], exampleSign[3:], "hook-token"} {
		if strings.Contains(got.Evidence, secret) {
			t.Errorf("evidence %q holds %q", got.Evidence, secret)
		}
	}
}

// deaf is an address at which nobody listens, nor can before the test ends: the near end of a connection has it.
func deaf(t *testing.T) string {
	t.Helper()
	l := raw(t, func(net.Conn) {})
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}

// raw is a server that handles connections by hand.
func raw(t *testing.T, handle func(net.Conn)) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go handle(c)
		}
	}()
	return l
}
