//go:build e2e

package e2e

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// outside stands for the service that pages when nobody calls it any more. It speaks HTTPS with a certificate of its own,
// which observers believe because their environment names it.
type outside struct {
	server *httptest.Server
	roots  string // file of the certificate

	mu    sync.Mutex
	beats []time.Time
}

func listen(dir string) (*outside, error) {
	o := &outside{roots: filepath.Join(dir, "heartbeat.pem")}
	o.server = httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.beats = append(o.beats, time.Now())
	}))
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.server.Certificate().Raw})
	if err := os.WriteFile(o.roots, certificate, 0o600); err != nil {
		return nil, fmt.Errorf("the certificate of the heartbeat's target: %w", err)
	}
	return o, nil
}

// since counts the beats after a moment.
func (o *outside) since(then time.Time) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, at := range o.beats {
		if at.After(then) {
			n++
		}
	}
	return n
}

// heard waits for one beat of each observer.
func (o *outside) heard(t *testing.T, observers int) {
	t.Helper()
	began := time.Now()
	until(t, 2*time.Minute, func(context.Context) error {
		if n := o.since(began); n < observers {
			return fmt.Errorf("%d beats of %d observers", n, observers)
		}
		return nil
	})
}
