// Package webhook lands effects by HTTP: it sends the rendered bytes once and says what the answer means. A
// delivery passes the files from left to right: request.go builds the request, signature.go signs it, dialer.go
// and address.go decide whether the address may be dialled at all, transport.go sends without a retry of its own
// and verdict.go reads the answer.
//
// It must not retry, follow, render or remember anything: when to try again, with which bytes and for how long is
// act's business. It knows no AWS; secrets come by reference through Secrets.
package webhook

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/signature"
)

// Secrets resolves the reference of a signing secret. Its errors say why and never hold a value. It is called
// for every attempt and is expected to cache.
type Secrets interface {
	Secret(ctx context.Context, ref string) ([]byte, error)
}

// Config is what a Target needs; all fields but RootCAs are required.
type Config struct {
	Dialer  *Dialer
	Secrets Secrets
	Now     func() time.Time
	RootCAs *x509.CertPool // nil: those of the system
}

// Limits of what a target may cost us.
const (
	maxAnswer   = 64 << 10    // read so that the connection can be used again; beyond it is cut
	drainTime   = time.Second // for reading it: the status is known by then, so nothing is lost
	maxHeaders  = 64 << 10    // of the answer; net/http would take 10 MiB
	maxEvidence = 300
)

// Target delivers effects whose Target is loop.TargetWebhook. It is safe for concurrent use, and one should serve
// all invocations of a function, so that connections are used again.
type Target struct {
	secrets Secrets
	now     func() time.Time
	secure  http.RoundTripper // https: public addresses, port 443, and those listed in egress_allow
	plain   http.RoundTripper // http: only those listed in egress_allow
	drain   time.Duration
}

var _ act.Target = (*Target)(nil)

// New makes a Target.
func New(c Config) *Target {
	return &Target{
		secrets: c.Secrets, now: c.Now, drain: drainTime,
		secure: transport(c.Dialer.dial(anyAllowed), c.RootCAs),
		plain:  transport(c.Dialer.dial(listedOnly), c.RootCAs),
	}
}

// Deliver sends the effect's request at most once.
func (t *Target) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	if e.Request == nil {
		return refused("the effect has no request")
	}
	// The transport watches this context until the answer is read: its end also ends an endless answer.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, secret, err := t.open(ctx, *e.Request)
	if err != nil {
		return unsent(err.Error(), 0)
	}
	// Nothing below may send before `connected`, which is what "nothing was sent" is judged by.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := build(ctx, e.ID, r)
	if err != nil {
		return refused(err.Error())
	}
	if err := t.sign(req, e.ID, r, secret); err != nil {
		return unsent(err.Error(), 0)
	}
	send := t.plain
	if req.URL.Scheme == "https" {
		send = t.secure
	}
	resp, err := send.RoundTrip(req)
	if err != nil {
		return unanswered(ctx, err, connected.Load())
	}
	defer func() { _ = resp.Body.Close() }() // after the answer counts, nothing about its connection does
	stop := time.AfterFunc(t.drain, cancel)
	defer stop.Stop()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return judge(resp, brokenOff(ctx, err), t.now())
}

// sign adds what differs from one attempt to the next: timestamp and signature.
func (t *Target) sign(req *http.Request, effectID string, r loop.Request, secret []byte) error {
	at := signature.Timestamp(t.now())
	req.Header.Set(headerTimestamp, at)
	if r.Secret == "" || r.SecretIn != loop.SecretSigns {
		return nil
	}
	key, err := signature.Key(secret)
	if err != nil {
		return fmt.Errorf("nothing was sent: secret %s: %w", r.Secret, err)
	}
	req.Header.Set(headerSignature, signature.Of(key, effectID, at, r.Body))
	return nil
}

// brokenOff tells an answer that was cut off by its sender from one that we stopped reading.
func brokenOff(ctx context.Context, err error) bool { return err != nil && ctx.Err() == nil }
