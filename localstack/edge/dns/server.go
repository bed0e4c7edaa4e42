// Package dns answers for the hosted zones of the emulator's Route 53, which answers nothing itself: by policy
// (latency, weighted, failover, multivalue) and by health, with the TTL of the records, over UDP and TCP on loopback.
// A real resolver can be pointed at it: dig @127.0.0.1 -p PORT name.
//
// Latency cannot be measured on one machine: the regions have an order. Left out are geolocation, geoproximity and IP
// policies, wildcards, traffic policies, private zones, and aliases that evaluate their target's health.
//
// It must not know unbroken, and it never writes: the zones are read, and what was read last goes on being answered
// when the API fails.
package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Server answers questions about the zones.
type Server struct {
	Zones  *Zones
	Policy Policy
}

// Listen takes an address, with the same port for UDP and TCP; port 0 finds a free one.
func Listen(ctx context.Context, addr string) (net.PacketConn, net.Listener, error) {
	var lc net.ListenConfig
	var errs error
	for range 10 { // a port that is free for TCP may be taken for UDP
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, nil, fmt.Errorf("dns: %w", err)
		}
		p, err := lc.ListenPacket(ctx, "udp", l.Addr().String())
		if err == nil {
			return p, l, nil
		}
		errs = errors.Join(errs, err, l.Close())
	}
	return nil, nil, fmt.Errorf("dns: %w", errs)
}

// Serve answers on both until ctx ends.
func (s *Server) Serve(ctx context.Context, p net.PacketConn, l net.Listener) error {
	running, cancel := context.WithCancel(ctx) // neither goes on without the other
	defer cancel()
	servers := []*dns.Server{{PacketConn: p, Handler: s}, {Listener: l, Handler: s}}
	var g sync.WaitGroup
	failed := make([]error, len(servers))
	for i, one := range servers {
		started := make(chan struct{})
		one.NotifyStartedFunc = func() { close(started) }
		g.Go(func() {
			failed[i] = one.ActivateAndServe()
			cancel()
		})
		stop := context.AfterFunc(running, func() {
			<-started // a server that has not started cannot be stopped
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = one.ShutdownContext(limited)
		})
		defer stop()
	}
	g.Wait()
	if err := errors.Join(failed...); err != nil && ctx.Err() == nil {
		return fmt.Errorf("dns on %s: %w", l.Addr(), err)
	}
	return nil
}

// ServeDNS implements dns.Handler.
func (s *Server) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	answer := new(dns.Msg)
	answer.SetReply(question)
	if len(question.Question) != 1 {
		answer.Rcode = dns.RcodeFormatError
	} else {
		s.answer(answer, question.Question[0])
	}
	if _, udp := w.LocalAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if opt := question.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		answer.Truncate(size)
	}
	_ = w.WriteMsg(answer) // who asked is gone if this fails
}

func (s *Server) answer(m *dns.Msg, q dns.Question) {
	if !s.Zones.Owns(q.Name) {
		m.Rcode = dns.RcodeRefused // no resolver for others
		return
	}
	m.Authoritative = true
	answers, found := s.Policy.Answer(s.Zones.Records(), q.Name, dns.TypeToString[q.Qtype])
	if !found {
		m.Rcode = dns.RcodeNameError
	}
	for _, r := range answers {
		for _, v := range r.Values {
			rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", q.Name, r.TTL, r.Type, v))
			if err != nil || rr == nil {
				m.Rcode = dns.RcodeServerFailure
				continue
			}
			m.Answer = append(m.Answer, rr)
		}
	}
}

// Lookup resolves a name to an address as the server would, for what works beside it.
func (s *Server) Lookup(host string) (addr string, ok bool) {
	answers, _ := s.Policy.Answer(s.Zones.Records(), host, "A")
	for _, r := range answers {
		for _, v := range r.Values {
			if net.ParseIP(v) != nil {
				return v, true
			}
		}
	}
	return "", false
}
