package webhook

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestAnEndpointIsReadWithItsKeyAndWithinBounds(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/open":
			_, _ = w.Write([]byte(`{"key":"` + r.Header.Get("Authorization") + `"}`))
		case "/moved":
			http.Redirect(w, r, "/open", http.StatusFound)
		case "/endless":
			_, _ = w.Write([]byte(strings.Repeat("x", loop.MaxBodyBytes+1)))
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	fetcher := func(allow ...string) *Fetcher {
		dialer, err := NewDialer(allow, "")
		if err != nil {
			t.Fatal(err)
		}
		f := NewFetcher(Config{Dialer: dialer, Secrets: secrets{"ssm:/key": "s3cr3t"}, Now: now, RootCAs: roots})
		f.secure.(*http.Transport).TLSHandshakeTimeout = time.Minute // a busy machine may need more than three seconds
		return f
	}
	f := fetcher(server.Listener.Addr().String())
	for _, c := range []struct{ path, secret, says, fails string }{
		{"/open", "ssm:/key", `{"key":"Bearer s3cr3t"}`, ""},
		{"/open", "", `{"key":""}`, ""},
		{"/open", "ssm:/other", "", "secret ssm:/other"},
		{"/moved", "", "", "answers 302"},
		{"/endless", "", "", "more than"},
		{"/down", "", "", "answers 503"},
	} {
		body, err := f.Fetch(t.Context(), server.URL+c.path, c.secret)
		if string(body) != c.says || (err == nil) != (c.fails == "") || err != nil && (!strings.Contains(err.Error(), c.fails) || strings.Contains(err.Error(), "s3cr3t")) {
			t.Errorf("%s: %s, %v", c.path, body, err)
		}
	}
	// A private address is dialled only where egress_allow says so.
	if _, err := fetcher().Fetch(t.Context(), server.URL+"/open", ""); err == nil {
		t.Error("the loopback address was dialled")
	}
}
