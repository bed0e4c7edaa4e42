// Package receiver is a webhook target that remembers what it was sent, and misbehaves when
// asked to. Demos and chaos tests count effects with it: what arrived, how often under each
// webhook-id, and what it took effect on.
//
// It drops no duplicate: whoever asks sees them all. It must not import the loop; what it
// knows of webhooks is the Standard Webhooks specification, so it also checks that the loop
// signs as others expect.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// DefaultAddr is where the receiver listens.
const DefaultAddr = "127.0.0.1:4580"

const maxBody = 1 << 20

// Options configure a receiver. The zero value keeps 10,000 deliveries and 64 MiB of bodies.
type Options struct {
	Secret        string // whsec_…; signatures are verified when it is set
	MaxDeliveries int
	MaxBytes      int
	Now           func() time.Time // time.Now if nil
}

// Receiver is an http.Handler. It is safe for concurrent use.
type Receiver struct {
	key   []byte // nil: signatures are not verified
	store *store
	now   func() time.Time
	mux   *http.ServeMux
}

var _ http.Handler = (*Receiver)(nil)

// New returns a receiver that has received nothing.
func New(o Options) (*Receiver, error) {
	r := &Receiver{now: o.Now}
	if r.now == nil {
		r.now = time.Now
	}
	if o.MaxDeliveries <= 0 {
		o.MaxDeliveries = 10_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 20
	}
	r.store = &store{maxDeliveries: o.MaxDeliveries, maxBytes: o.MaxBytes}
	if o.Secret != "" {
		key, err := decodeSecret(o.Secret)
		if err != nil {
			return nil, err
		}
		r.key = key
	}
	r.mux = r.routes()
	return r, nil
}

// ServeHTTP receives a webhook, or answers about those received under /_receiver/.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) { rc.mux.ServeHTTP(w, r) }

// Serve answers on l until ctx ends, then closes every connection.
func (rc *Receiver) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: rc, ReadHeaderTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("receiver on %s: %w", l.Addr(), err)
	}
	return nil
}

// receive keeps the delivery before it answers: what the sender sees of it is a question of
// the script, and a lost answer must not lose the record.
func (rc *Receiver) receive(w http.ResponseWriter, r *http.Request) {
	s, err := scriptOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, fmt.Sprintf("receiver: body: %v", err), http.StatusRequestEntityTooLarge)
		return
	}
	d := Delivery{
		At:             rc.now().UTC(),
		Method:         r.Method,
		Path:           r.URL.Path,
		WebhookID:      r.Header.Get(headerID),
		Timestamp:      r.Header.Get(headerTimestamp),
		Signature:      r.Header.Get(headerSignature),
		IdempotencyKey: r.Header.Get("Idempotency-Key"),
		ContentType:    r.Header.Get("Content-Type"),
		Body:           string(text),
	}
	if rc.key != nil {
		d.Verified = "yes"
		if err := verify(rc.key, d, rc.now()); err != nil {
			d.Verified = err.Error()
			d.Status = http.StatusUnauthorized
			rc.store.add(d, script{})
			http.Error(w, err.Error(), d.Status)
			return
		}
	}
	d = rc.store.add(d, s)
	if !wait(r.Context(), s.delay) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if d.Status == http.StatusTooManyRequests || d.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(d.Status)
	_, _ = fmt.Fprintf(w, "{\"seq\":%d,\"applied\":%t}\n", d.Seq, d.Applied)
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
