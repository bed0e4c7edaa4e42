// Package client sends signals to the loop so that a dead, slow or refusing region costs a producer a moment and
// not a signal.
//
//	Send ── split into batches ── race the regions ── retry what is open ──▶ Report
//
// Everything is sent with the ids the producer gave, every time and everywhere: the loop drops the copies, so
// sending again is always safe and losing an answer never loses a signal. Between two calls the package keeps which
// regions failed lately and, with a Spool, what is not accepted yet; it knows how to ask, not where the regions are
// or who the caller is.
package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Signal is a CloudEvents 1.0 event. Source and ID identify it: give the same ones to the same thing measured at
// the same time, however often it is sent.
type Signal = loop.Signal

// Endpoint is one region's way in.
type Endpoint struct {
	Region string
	URL    string    // https://…, without /v1
	Via    Transport // nil for signed HTTP to URL
}

// Config says where and how to send. Only Endpoints is required.
type Config struct {
	Endpoints  []Endpoint    // in order of preference
	Input      string        // "default" if empty
	Hedge      bool          // ask a second region when the first has not answered after HedgeAfter
	HedgeAfter time.Duration // 100 ms if 0
	Timeout    time.Duration // of one batch with all its retries; 30 s if 0
	Attempt    time.Duration // of one request; 5 s if 0
	Parallel   int           // batches under way at once; 1 if 0
	Sign       Signer        // nil sends unsigned
	HTTP       *http.Client  // nil for a client that follows no redirect
	Backoff    Backoff
	Spool      *Spool // keeps what is sent on disk until it is accepted; nil keeps nothing
	Now        func() time.Time
	Progress   func(done, total int) // called after every batch, from several goroutines; nil for silence
}

// Client sends signals. It is safe for concurrent use.
type Client struct {
	cfg   Config
	rests []rest // one an endpoint
}

// ErrNoEndpoint: there is nobody to send to.
var ErrNoEndpoint = errors.New("no endpoint to send to: give the URL of at least one region")

// New returns a client, or ErrNoEndpoint.
func New(c Config) (*Client, error) {
	if len(c.Endpoints) == 0 {
		return nil, ErrNoEndpoint
	}
	c.Input = orElse(c.Input, "default")
	c.HedgeAfter = orElse(c.HedgeAfter, 100*time.Millisecond)
	c.Timeout = orElse(c.Timeout, 30*time.Second)
	c.Attempt = orElse(c.Attempt, 5*time.Second)
	c.Parallel = orElse(c.Parallel, 1)
	c.Backoff.Base = orElse(c.Backoff.Base, 100*time.Millisecond)
	c.Backoff.Cap = orElse(c.Backoff.Cap, 5*time.Second)
	if c.Backoff.Rand == nil {
		c.Backoff.Rand = rand.Int64N
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{CheckRedirect: NoRedirect}
	}
	endpoints := make([]Endpoint, len(c.Endpoints))
	for i, e := range c.Endpoints {
		if e.Via == nil {
			e.Via = &overHTTP{endpoint: e, input: c.Input, http: c.HTTP, sign: c.Sign, now: c.Now}
		}
		endpoints[i] = e
	}
	c.Endpoints = endpoints
	return &Client{cfg: c, rests: make([]rest, len(c.Endpoints))}, nil
}

// NoRedirect makes an http.Client return a redirect as it is: a signed request must not wander.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Send sends the signals and says what became of each. The error is nil when every signal was accepted; otherwise
// there is a *NotAccepted in it, and the report says which were not and why. With a Spool, what is still open then
// stays in it for Drain, and is marked; what could not be spooled (ErrSpoolFull, or a disk's error, joined to the
// error) was sent without.
func (c *Client) Send(ctx context.Context, signals ...Signal) (Report, error) {
	r := Report{Results: make([]Result, len(signals))}
	batches := split(signals, r.Results)
	var done atomic.Int64
	count := func(n int) {
		if d := done.Add(int64(n)); c.cfg.Progress != nil {
			c.cfg.Progress(int(d), len(signals))
		}
	}
	if early := len(signals) - total(batches); early > 0 {
		count(early) // refused before anything was sent
	}
	tallies := make([]tally, len(batches))
	spooling := make([]error, len(batches))
	var group errgroup.Group
	group.SetLimit(c.cfg.Parallel)
	for i, b := range batches {
		group.Go(func() error {
			spooling[i] = c.spooled(b, r.Results, func() { c.deliver(ctx, b, r.Results, &tallies[i]) })
			count(len(b))
			return nil
		})
	}
	_ = group.Wait() // what failed stands in the results
	r.count(tallies)
	return r, errors.Join(append(spooling, r.err())...)
}

func total(batches [][]event) (n int) {
	for _, b := range batches {
		n += len(b)
	}
	return n
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
