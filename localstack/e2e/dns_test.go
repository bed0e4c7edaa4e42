//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/local"
)

// FAULTS 45: the region that is answered dies while Route 53's control plane is down. A producer that hedges loses no time
// by it, long before DNS answers the other region, which takes signals under the loop's name; and the first again once it
// is back, with nothing lost or doubled over the way there and back. No part of the loop asks Route 53 for anything.
func TestDNSLeavesADeadRegionWithoutTheControlPlane(t *testing.T) {
	canaries(t)
	resolves(t, time.Minute, east)
	withoutControlPlane(t)
	d := &death{}
	t.Cleanup(func() { d.revive(t) })

	all := signals(t, "com.example.notify", 18)
	straight := median(t, sender(t, west, "alone"), all[:5])
	cutEast(t)
	// Producers that do not know it yet: each finds out with its first signal.
	var found []time.Duration
	for i := range 5 {
		found = append(found, median(t, hedged(t), all[5+i:6+i]))
	}
	slowest := slices.Max(found)
	t.Logf("to one region a signal takes %s; with the other one just dead, hedged, %s", straight, found)
	if gap, limit := slowest-straight, 400*time.Millisecond+straight; gap > limit { // this machine, too, may be slower once than in the median
		t.Errorf("a producer that hedges waited %s longer for its region's death; %s are allowed", gap, limit)
	}
	resolves(t, time.Minute, west)
	s := all[10:13]
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
	done(t, time.Minute, s, "notify")

	if err := suite.Heal(t.Context(), east); err != nil {
		t.Fatal(err)
	}
	// Observers may have noticed the death, and take a minute each to notice its end.
	resolves(t, 5*time.Minute, east)
	send(t, east, "alone", all[13:]...)
	delivered(t, time.Minute, all)
	once(t, all)
	onlyDataPlanes(t)
}

// withoutControlPlane has Route 53 refuse every call until the test ends, and counts calls from now on.
func withoutControlPlane(t *testing.T) {
	t.Helper()
	if err := suite.Edge().ResetCalls(t.Context()); err != nil {
		t.Fatal(err)
	}
	down := &death{}
	t.Cleanup(func() { down.lift() })
	down.set(t, edge.Fault{Service: "route53", Mode: edge.Cut})
}

// onlyDataPlanes checks that nobody asked Route 53 for anything, and that no function asked to make, change or remove anything.
func onlyDataPlanes(t *testing.T) {
	t.Helper()
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
		if functions++; c.Service != "execute-api" && !slices.Contains(dataPlane, c.Operation) {
			t.Errorf("a function called a control plane: %+v", c)
		}
	}
	if functions == 0 {
		t.Error("no function called anything")
	}
}

// dataPlane are the operations that read, write or run what stands, as infra's roles have them.
var dataPlane = []string{
	"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "GetQueueAttributes",
	"GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
	"GetParameter", "GetSecretValue", "PutObject", "Invoke", "GetMetricData", "PutMetricData",
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
	resolves(t, 10*time.Second, west)
	if exit, err = back(); err != nil || exit != 0 || o.DNS.Is >= o.DNS.Children {
		t.Fatalf("exit %d, %v: %+v", exit, err, o)
	}
	resolves(t, time.Minute, east)
}

// healthy waits until the region's own health answers 200.
func healthy(t *testing.T, region string) {
	t.Helper()
	until(t, time.Minute, func(ctx context.Context) error {
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

// hedged is a producer that prefers the region that dies.
func hedged(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{
		Endpoints: []client.Endpoint{{Region: east, URL: suite.urls[east]}, {Region: west, URL: suite.urls[west]}},
		Input:     "alone", Hedge: true, Sign: signer(), HTTP: &http.Client{}, Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// median sends the signals one after the other, and says how long it took until one was accepted.
func median(t *testing.T, c *client.Client, s []client.Signal) time.Duration {
	t.Helper()
	var took []time.Duration
	for _, one := range s {
		began := time.Now()
		if _, err := c.Send(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2].Round(time.Millisecond)
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

// FAULTS 48: unbroken drill, against the world. Producers that hedge notice nothing; DNS leaves the region out and answers
// it again; the region is restored.
func TestADrillOfARegion(t *testing.T) {
	canaries(t)
	resolves(t, 5*time.Minute, east)
	var r struct {
		Drained struct {
			Sent, Failed int
			Slowest      loop.Duration
		}
		HealthOut, HealthBack, DNSOut, DNSBack *loop.Duration
		Receipts                               map[string]loop.Duration
		Findings                               []string
	}
	exit, err := asked(t.Context(), &r, "drill", east, "--for", "20s", "--domain", local.Domain, "--resolver", suite.DNS)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("exit %d: %+v; 503 after %s, DNS left it after %s (the checks are %d times faster), 200 after %s, and answered it after %s", exit, r.Drained, r.HealthOut, r.DNSOut, scale, r.HealthBack, r.DNSBack)
	if exit != 0 || r.Drained.Sent < 5 || r.Drained.Failed > 0 || r.HealthOut == nil || r.DNSOut == nil || r.DNSBack == nil || len(r.Receipts) != 4 {
		t.Errorf("exit %d: %+v", exit, r)
	}
	healthy(t, east)
	drained(t, time.Minute, east, west)
}
