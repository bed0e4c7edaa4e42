package webhook

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"example.com/unbroken/internal/act"
)

// net/http repeats by itself what it takes for harmless, and an Idempotency-Key makes it believe so. These tests
// put it into the situations in which it would.

// shapes are the requests that net/http treats differently.
func shapes() map[string]struct{ method, body string } {
	return map[string]struct{ method, body string }{
		"POST": {http.MethodPost, exampleBody}, "POST without a body": {http.MethodPost, ""},
		"PUT": {http.MethodPut, exampleBody}, "GET": {http.MethodGet, ""}, "GET with a body": {http.MethodGet, exampleBody},
		"DELETE": {http.MethodDelete, ""},
	}
}

func TestAKeptConnectionThatDiesIsNoSecondRequest(t *testing.T) {
	t.Parallel()
	for name, shape := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			l := raw(t, func(c net.Conn) { // answers the first request of a connection and dies over the second
				defer func() { _ = c.Close() }()
				in := bufio.NewReader(c)
				for answer := true; ; answer = false {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					requests.Add(1)
					if te := r.TransferEncoding; len(te) > 0 && shape.body == "" {
						t.Errorf("an empty body is sent %v", te)
					}
					if !answer {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			})
			tg := target(t, nil, l.Addr().String())
			e := effect("http://" + l.Addr().String())
			e.Request.Method, e.Request.Body = shape.method, shape.body
			e.Request.Headers["X-Idempotency-Key"] = "counts for net/http as well"
			// On a busy machine net/http may not keep a connection: it gives one up whose writer is not done within 50 ms.
			deliveries, answer := int64(1), tg.Deliver(t.Context(), e)
			for ; answer.Verdict == act.Delivered && deliveries < 100; deliveries++ {
				answer = tg.Deliver(t.Context(), e)
			}
			want(t, answer, act.Retry, "the connection was closed")
			if n := requests.Load(); n != deliveries || deliveries < 2 {
				t.Errorf("%d requests for %d deliveries", n, deliveries)
			}
		})
	}
}

// HTTP/2's error codes that net/http repeats a request after.
// https://www.rfc-editor.org/rfc/rfc9113.html#section-7
const (
	protocolError = 1
	refusedStream = 7
)

func TestAStreamThatIsRefusedIsNoSecondRequest(t *testing.T) {
	t.Parallel()
	for name, shape := range shapes() {
		if shape.method == http.MethodPost && shape.body == "" {
			continue // see setBody: repeated only after the server declared it untouched
		}
		for _, code := range []uint32{protocolError, refusedStream} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				cert, roots := certificate(t)
				l := raw(t, func(c net.Conn) {
					defer func() { _ = c.Close() }()
					refuseStreams(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}), code, &requests)
				})
				tg := target(t, roots, l.Addr().String())
				e := effect("https://" + l.Addr().String())
				e.Request.Method, e.Request.Body = shape.method, shape.body
				// net/http waits before it repeats: a failure of this test takes a minute.
				want(t, tg.Deliver(t.Context(), e), act.Retry, "no answer: the exchange failed")
				if n := requests.Load(); n != 1 {
					t.Errorf("%d requests for one delivery", n)
				}
			})
		}
	}
}

// refuseStreams speaks just enough HTTP/2 to refuse every stream once its request is complete.
func refuseStreams(c net.Conn, code uint32, requests *atomic.Int64) {
	const headers, data, rst, settings, endStream = 1, 0, 3, 4, 1
	frame := func(kind byte, stream uint32, payload []byte) {
		b := []byte{0, 0, byte(len(payload)), kind, 0}
		_, _ = c.Write(append(binary.BigEndian.AppendUint32(b, stream), payload...))
	}
	if _, err := io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	frame(settings, 0, nil)
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		size := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, c, size); err != nil {
			return
		}
		if kind := head[3]; (kind == headers || kind == data) && head[4]&endStream != 0 {
			requests.Add(1)
			frame(rst, binary.BigEndian.Uint32(head[5:]), binary.BigEndian.AppendUint32(nil, code))
		}
	}
}

func TestHTTP2IsSpoken(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Header.Get("Idempotency-Key") != exampleID {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	tg := target(t, roots, address(srv))
	for name, shape := range shapes() {
		e := effect(srv.URL)
		e.Request.Method, e.Request.Body = shape.method, shape.body
		if got := tg.Deliver(t.Context(), e); got.Verdict != act.Delivered {
			t.Errorf("%s: %s", name, got.Evidence)
		}
	}
}

// certificate is httptest's own, for 127.0.0.1 and example.com.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return srv.TLS.Certificates[0], roots
}
