package webhook

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// dialTimeout bounds connecting and, once more, the TLS handshake. The attempt's own time bounds both.
const dialTimeout = 3 * time.Second

// Dialer decides which addresses the loop may connect to. It judges the address that is being dialled, after the
// name was resolved and right before the connection is opened. So it does not matter how a host was written
// (decimal, octal, hex, mapped), nor whether a name means something else than it did a moment ago: DNS rebinding
// has no gap to use. Stripe's smokescreen takes the same place: https://github.com/stripe/smokescreen
type Dialer struct {
	// Resolver looks names up; nil is Go's own.
	Resolver *net.Resolver

	listed   map[netip.AddrPort]bool
	runtime  runtimeAPI
	specials []special
}

// BlockedError is a connection that was not opened.
type BlockedError struct {
	Addr   string
	Reason string
}

// Error implements error.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("%s may not be reached: %s", e.Addr, e.Reason)
}

// NewDialer makes a Dialer. Public addresses may be reached on port 443, and the exact ip:port pairs in allow
// (egress_allow of loop.yaml) wherever they are. runtime is the value of AWS_LAMBDA_RUNTIME_API, "" outside of
// Lambda: whoever reaches it can answer for the function, so it stays closed even if it is listed.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func NewDialer(allow []string, runtime string) (*Dialer, error) {
	d := &Dialer{listed: make(map[netip.AddrPort]bool, len(allow)), specials: specials()}
	for _, s := range allow {
		a, err := netip.ParseAddrPort(s)
		if err != nil || a.Addr().IsUnspecified() || a.Addr().Zone() != "" || a.Port() == 0 {
			return nil, fmt.Errorf("egress_allow: %q is not an address; write it like 10.1.2.3:443 or [fd12::3]:443", s)
		}
		d.listed[netip.AddrPortFrom(a.Addr().Unmap(), a.Port())] = true
	}
	var err error
	if d.runtime, err = parseRuntime(runtime); err != nil {
		return nil, err
	}
	return d, nil
}

// scope is which addresses a connection may go to.
type scope bool

const (
	anyAllowed scope = false
	listedOnly scope = true // plain HTTP: readable on its way, so only where a person said so
)

// dial returns the dial function of a transport.
func (d *Dialer) dial(s scope) func(ctx context.Context, network, addr string) (net.Conn, error) {
	nd := &net.Dialer{
		Timeout:  dialTimeout,
		Resolver: d.Resolver,
		// It runs for every address that a name resolved to, with the address that the socket will connect to.
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return d.check(address, s)
		},
	}
	return nd.DialContext
}

// check says why address, an ip:port, may not be dialled.
func (d *Dialer) check(address string, s scope) error {
	block := func(reason string) error { return &BlockedError{Addr: address, Reason: reason} }
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return block("it is not an address")
	}
	a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	switch {
	case d.runtime.is(a):
		return block("it is the Lambda runtime API")
	case d.listed[a]:
		return nil
	case s == listedOnly:
		return block("plain HTTP is only for addresses in egress_allow")
	}
	if reason := d.reserved(a.Addr()); reason != "" {
		return block("it is " + reason)
	}
	if a.Port() != 443 {
		return block("only port 443 is open; list the address in egress_allow")
	}
	return nil
}

// runtimeAPI is where the function's runtime listens.
type runtimeAPI struct {
	port uint16 // 0: nowhere
	addr netip.Addr
}

func parseRuntime(s string) (runtimeAPI, error) {
	if s == "" {
		return runtimeAPI{}, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, "80" // Lambda writes host:port; without a port it would be HTTP's
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return runtimeAPI{}, fmt.Errorf("AWS_LAMBDA_RUNTIME_API: %q is not of the form host:port", s)
	}
	addr, _ := netip.ParseAddr(host) // a name leaves it invalid
	return runtimeAPI{port: uint16(n), addr: addr.Unmap()}, nil
}

// is says whether a reaches the runtime. Every address of this machine counts, since the runtime may listen on all
// of them; where it is known by a name only, its port is closed everywhere.
func (r runtimeAPI) is(a netip.AddrPort) bool {
	if r.port == 0 || a.Port() != r.port {
		return false
	}
	own := a.Addr().IsLoopback() || a.Addr().IsUnspecified() || a.Addr().IsLinkLocalUnicast()
	return own || !r.addr.IsValid() || a.Addr() == r.addr
}
