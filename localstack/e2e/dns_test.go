//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/local"
)

// FAULTS 45: the region that is answered dies while Route 53's control plane is down. DNS answers the other one, which
// takes signals under the loop's name, and the first again once it is back; no part of the loop asks Route 53 for
// anything.
func TestDNSLeavesADeadRegionWithoutTheControlPlane(t *testing.T) {
	canaries(t)
	resolves(t, time.Minute, east)
	if err := suite.Edge().ResetCalls(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &death{}
	t.Cleanup(func() { d.revive(t) })
	d.set(t, edge.Fault{Service: "route53", Mode: edge.Cut})

	cutEast(t)
	resolves(t, time.Minute, west)
	s := signals(t, "com.example.notify", 3)
	for i := range s {
		s[i].Subject = "dns/" + s[i].ID
	}
	edgeURL, err := url.Parse(suite.EdgeURL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{
		Endpoints: []client.Endpoint{{Region: west, URL: "http://" + net.JoinHostPort(suite.Regions[west], edgeURL.Port())}},
		Input:     "alone", Sign: signer(), HTTP: &http.Client{}, Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), s...); err != nil {
		t.Fatal(err)
	}
	done(t, 20*time.Second, s, "notify")

	if err := suite.Heal(t.Context(), east); err != nil {
		t.Fatal(err)
	}
	// Observers may have noticed the death, and take a minute each to notice its end.
	resolves(t, 5*time.Minute, east)

	calls, err := suite.Edge().Calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	functions := 0
	for _, c := range calls {
		if c.Service == "route53" {
			t.Errorf("failing over took a call of the control plane: %+v", c)
		}
		if c.Function == "" || c.Caller == local.StandIn {
			continue
		}
		if functions++; !dataPlane(c.Operation) {
			t.Errorf("a function called a control plane: %+v", c)
		}
	}
	if functions == 0 {
		t.Error("no function called anything")
	}
}

// dataPlane says whether an operation reads, writes or runs what stands, and neither makes nor changes nor removes it.
func dataPlane(operation string) bool {
	switch operation {
	case "PutItem", "UpdateItem", "DeleteItem", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "PutMetricData", "PutLogEvents", "CreateLogStream":
		return true
	}
	for _, verb := range []string{"Create", "Update", "Delete", "Put", "Change", "Set", "Add", "Remove", "Tag", "Enable", "Disable", "Start", "Stop"} {
		if strings.HasPrefix(operation, verb) {
			return false
		}
	}
	return true
}

// The last resort: Route 53's control plane takes a region out whose health goes on answering 200, and puts it back. Its
// own health is not asked, so that nothing but the zone's check is what DNS goes by.
func TestALastResortByTheControlPlane(t *testing.T) {
	canaries(t)
	resolves(t, 5*time.Minute, east)
	var o struct {
		Written []string
		DNS     struct {
			Children, Is int
			Error        string
		}
	}
	back := func() (int, error) {
		return asked(context.WithoutCancel(t.Context()), &o, "restore", east, "--reason", "the suite", "--control-plane", local.Domain)
	}
	t.Cleanup(func() { _, _ = back() }) // repeated, it changes nothing
	exit, err := asked(t.Context(), &o, "drain", east, "--reason", "the suite", "--control-plane", local.Domain)
	if err != nil || exit != 0 || o.DNS.Is <= o.DNS.Children || len(o.Written) != 2 {
		t.Fatalf("exit %d, %v: %+v", exit, err, o)
	}
	resolves(t, time.Minute, west)
	var plain any
	if exit, err = asked(t.Context(), &plain, "restore", east, "--reason", "the suite, half"); err != nil || exit != 0 {
		t.Fatalf("exit %d, %v", exit, err)
	}
	healthy(t, east) // and is not answered all the same
	resolves(t, time.Second, west)
	if exit, err = back(); err != nil || exit != 0 || o.DNS.Is >= o.DNS.Children {
		t.Fatalf("exit %d, %v: %+v", exit, err, o)
	}
	resolves(t, time.Minute, east)
}

// healthy waits until the region's own health answers 200.
func healthy(t *testing.T, region string) {
	t.Helper()
	until(t, 30*time.Second, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, suite.urls[region]+"/v1/health", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d", region, res.StatusCode)
		}
		return nil
	})
}

// resolves waits until a real DNS query for the loop's name is answered with this region.
func resolves(t *testing.T, limit time.Duration, region string) {
	t.Helper()
	until(t, limit, func(ctx context.Context) error {
		q := new(dns.Msg)
		q.SetQuestion(dns.Fqdn(local.Domain), dns.TypeA)
		got, _, err := new(dns.Client).ExchangeContext(ctx, q, suite.DNS)
		if err != nil {
			return err
		}
		if len(got.Answer) == 1 {
			if a, ok := got.Answer[0].(*dns.A); ok && a.A.String() == suite.Regions[region] {
				return nil
			}
		}
		return fmt.Errorf("%s is not answered: %v", loop.Name(prefix, region), got.Answer)
	})
}
