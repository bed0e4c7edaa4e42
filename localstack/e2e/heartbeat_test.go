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

// heard waits until as many observers are heard: of n beats a minute, n lie within a minute less its largest gap, which is an nth
// of it at least; of fewer observers' they never do.
func (o *outside) heard(t *testing.T, observers int) {
	t.Helper()
	within := time.Minute - time.Minute/time.Duration(observers)
	began := time.Now()
	until(t, 2*time.Minute, func(context.Context) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		for last := observers - 1; last < len(o.beats); last++ {
			if first := o.beats[last-observers+1]; first.After(began) && o.beats[last].Sub(first) < within+5*time.Second {
				return nil
			}
		}
		return fmt.Errorf("of %d observers were heard, since %s: %v", observers, began, o.beats)
	})
}
