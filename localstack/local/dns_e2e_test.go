//go:build e2e && linux

package local_test

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/miekg/dns"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/local"
)

// A region that is cut leaves DNS and comes back after it is healed, while nobody can reach Route 53's control plane
// and nobody tries.
func TestDNSLeavesARegionThatIsCut(t *testing.T) {
	t.Parallel()
	const scale = 10 // an interval of 10 s is a second
	w := hurried(t, scale)
	deploy(t, w)
	cfg := &loop.Config{Prefix: "test", Regions: loop.Regions{Loop: []string{east, west}, Witness: witness}}
	for range 2 { // made twice is made once
		if err := w.Failover(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	answered(t, w, east)
	if status := byAddress(t, w, east); status != http.StatusOK {
		t.Errorf("the address that is answered says %d", status)
	}

	if err := w.Edge().ResetCalls(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Edge().Set(t.Context(), edge.Fault{Service: "route53", Mode: edge.Cut}); err != nil {
		t.Fatal(err)
	}
	cut(t, w, east)
	answered(t, w, west)
	if status := byAddress(t, w, east); status != 0 {
		t.Errorf("the address of a region that is cut says %d", status)
	}

	cut(t, w, west)
	answered(t, w, east) // all dead is all answered, and east is the nearest
	heal(t, w, west)
	answered(t, w, west)
	heal(t, w, east)
	answered(t, w, east)

	began := time.Now() // after how many bad answers it leaves is tested by healthcheck's own clock
	cut(t, w, east)
	answered(t, w, west)
	t.Logf("%s is answered no more after %s by Route 53's clock", east, scale*time.Since(began).Round(100*time.Millisecond))
	heal(t, w, east)

	calls, err := w.Edge().Calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		if c.Service == "route53" {
			t.Errorf("failing over took a call of the control plane: %+v", c)
		}
	}
	policies(t, w, *cfg)
}

// policies: active-passive, the far region is answered while it is well, and the near one while it is not. By weight, what
// has none is answered only while no other is healthy.
func policies(t *testing.T, w *local.World, cfg loop.Config) {
	t.Helper()
	named := func(names loop.DNS) {
		t.Helper()
		cfg.DNS = names
		if err := w.Failover(t.Context(), &cfg); err != nil {
			t.Fatal(err)
		}
	}
	named(loop.DNS{Policy: loop.DNSFailover, Primary: west})
	answered(t, w, west)
	cut(t, w, west)
	answered(t, w, east)
	heal(t, w, west)
	answered(t, w, west)
	named(loop.DNS{Policy: loop.DNSWeighted, Weights: map[string]int{east: 1, west: 0}})
	answered(t, w, east)
}

func cut(t *testing.T, w *local.World, region string) {
	t.Helper()
	if err := w.Cut(t.Context(), region); err != nil {
		t.Fatal(err)
	}
}

func heal(t *testing.T, w *local.World, region string) {
	t.Helper()
	if err := w.Heal(t.Context(), region); err != nil {
		t.Fatal(err)
	}
}

// answered waits until a real DNS query for the loop's name is answered with the region, over UDP and TCP.
func answered(t *testing.T, w *local.World, region string) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		eventually(t, time.Minute, network+" answers "+region, func(ctx context.Context) bool {
			q := new(dns.Msg)
			q.SetQuestion(dns.Fqdn(local.Domain), dns.TypeA)
			got, _, err := (&dns.Client{Net: network}).ExchangeContext(ctx, q, w.DNS)
			if err != nil { // a busy machine may take longer than a resolver waits
				t.Log(err)
				return false
			}
			if len(got.Answer) != 1 {
				return false
			}
			a, ok := got.Answer[0].(*dns.A)
			return ok && a.A.String() == w.Regions[region] && a.Hdr.Ttl == 60
		})
	}
}

// byAddress asks for the health of the region at its own address, under the loop's name; 0 is no answer.
func byAddress(t *testing.T, w *local.World, region string) int {
	t.Helper()
	u, err := url.Parse(w.EdgeURL)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+net.JoinHostPort(w.Regions[region], u.Port())+"/v1/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = local.Domain
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
