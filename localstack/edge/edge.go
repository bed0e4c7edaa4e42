// Package edge stands in front of the local AWS emulator and makes it break on demand.
//
// It is a reverse proxy on the one endpoint that clients and functions use. From each
// call's SigV4 credential scope it reads the region and the service, counts the call, and
// applies the faults that are set for it: a region that is cut, a service that is slow, an
// answer that is lost. Nothing behind it knows that it is there.
//
// It must not know unbroken: no queue, table or function name stands in this package. And it
// checks no signature; the emulator does not either.
package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// DefaultAddr is where clients and functions find the edge.
const DefaultAddr = "127.0.0.1:4566"

// DefaultUpstream is where the emulator listens.
const DefaultUpstream = "http://127.0.0.1:4579"

// Options say what the edge stands in front of. The zero value serves the defaults.
type Options struct {
	Upstream string           // the emulator; DefaultUpstream if empty
	Regions  []string         // where to look for the owner of an unsigned execute-api call
	Log      *slog.Logger     // what went wrong between edge and emulator; nothing if nil
	Now      func() time.Time // time.Now if nil
}

// Edge is the proxy. It is an http.Handler and safe for concurrent use.
type Edge struct {
	proxy   *httputil.ReverseProxy
	control http.Handler
	faults  *table
	calls   *counter
	apis    *owners
	log     *slog.Logger
}

var _ http.Handler = (*Edge)(nil)

// New returns an edge in front of o.Upstream. It does not connect yet.
func New(o Options) (*Edge, error) {
	if o.Upstream == "" {
		o.Upstream = DefaultUpstream
	}
	upstream, err := url.Parse(o.Upstream)
	if err != nil || upstream.Host == "" {
		return nil, fmt.Errorf("edge: upstream %q is not a URL: give one like %s", o.Upstream, DefaultUpstream)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	transport := newTransport()
	e := &Edge{
		faults: newTable(),
		calls:  newCounter(o.Now),
		apis:   newOwners(upstream, o.Regions, transport),
		log:    o.Log,
	}
	e.control = e.controls()
	e.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			// The Host is part of the signature and of execute-api addresses: keep it.
			r.Out.Host = r.In.Host
			// ReverseProxy drops parameters it cannot parse; the emulator shall judge them.
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		Transport:      transport,
		ModifyResponse: whole,
		FlushInterval:  -1, // what is there is answered at once
		BufferPool:     &buffers{},
		ErrorLog:       slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		ErrorHandler:   e.upstreamFailed,
	}
	return e, nil
}

// ServeHTTP answers one call: control, a fault, or what the emulator says.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isControl(r) {
		e.control.ServeHTTP(w, r)
		return
	}
	call := e.callOf(r)
	e.calls.add(call)

	// A fault set while the call is under way ends it too: a region that dies does not
	// finish what it was doing.
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer e.faults.watch(call, cancel)()

	verdict := e.faults.judge(call)
	if !e.wait(ctx, verdict.delay) {
		panic(http.ErrAbortHandler)
	}
	switch verdict.mode {
	case Cut:
		panic(http.ErrAbortHandler)
	case Hang:
		hang(r, verdict.lifted)
		panic(http.ErrAbortHandler)
	case Fail:
		refuse(w, r, call, verdict.fault)
	case Lose:
		e.proxy.ServeHTTP(newVoid(), r.WithContext(ctx))
		panic(http.ErrAbortHandler)
	default:
		e.proxy.ServeHTTP(w, r.WithContext(ctx))
	}
}

// Serve answers on l until ctx ends, then closes every connection: the local world ends at
// once, it does not drain.
func (e *Edge) Serve(ctx context.Context, l net.Listener) error { return e.serve(ctx, l, e) }

// ServeRegional answers on l for a region.
func (e *Edge) ServeRegional(ctx context.Context, l net.Listener, region string) error {
	return e.serve(ctx, l, e.regional(region))
}

func (e *Edge) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second, ErrorLog: e.proxy.ErrorLog}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("edge on %s: %w", l.Addr(), err)
	}
	return nil
}

// whole reads an answer that says how long it is to its end before any of it is passed on. Now and then the emulator cuts one short,
// which AWS does not, and which its SDK does not ask for again. A 502 it does.
func whole(resp *http.Response) error {
	if resp.ContentLength < 0 {
		return nil // a stream
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("the answer ends too soon: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return fmt.Errorf("the answer ends too soon: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func (e *Edge) upstreamFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // cut under way, or the client left
	}
	e.log.WarnContext(r.Context(), "the emulator did not answer", slog.String("path", r.URL.Path), slog.Any("err", err))
	http.Error(w, "edge: the emulator does not answer: is it running? "+err.Error(), http.StatusBadGateway)
}

func (e *Edge) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
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

// newTransport keeps many idle connections: the emulator's functions all come through here,
// and a handshake costs more than the rest of the edge.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: 1024,
		IdleConnTimeout:     60 * time.Second, // the emulator closes after 75 s: be first
		DisableCompression:  true,             // pass bodies on as they are
	}
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
