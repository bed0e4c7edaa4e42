package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// idleTimeout is how long a connection is kept for the next request. It is shorter than what common servers keep
// (Node closes after 5 s, load balancers after 60 s): meeting a connection that the server is just closing costs an
// attempt, since nothing here is sent twice. net/http measures it by the wall clock too, so connections from
// before a Lambda was frozen are not used.
// https://nodejs.org/api/http.html#serverkeepalivetimeout
const idleTimeout = 4 * time.Second

// transport sends a request once: no redirects and no cookies, which are http.Client's; no proxy from the
// environment, which would dial in our place; no decompression, which would let a small answer grow. What else
// net/http repeats by itself is prevented in setBody.
func transport(dial func(ctx context.Context, network, addr string) (net.Conn, error), roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true, // a dialer of our own switches it off otherwise
		DisableCompression:     true,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    32, // as many effects as one invocation sends at once
		MaxResponseHeaderBytes: maxHeaders,
	}
}
