package dns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/miekg/dns"
)

// zone is a Route 53 of one zone.
type zone struct {
	sets []types.ResourceRecordSet
	down bool
}

func (z *zone) ListHostedZones(context.Context, *route53.ListHostedZonesInput, ...func(*route53.Options)) (*route53.ListHostedZonesOutput, error) {
	if z.down {
		return nil, errors.New("down")
	}
	return &route53.ListHostedZonesOutput{HostedZones: []types.HostedZone{{Id: aws.String("Z1"), Name: aws.String("loop.test.")}}}, nil
}

func (z *zone) ListResourceRecordSets(_ context.Context, in *route53.ListResourceRecordSetsInput, _ ...func(*route53.Options)) (*route53.ListResourceRecordSetsOutput, error) {
	if aws.ToString(in.HostedZoneId) != "Z1" {
		return nil, errors.New("which zone?")
	}
	return &route53.ListResourceRecordSetsOutput{ResourceRecordSets: z.sets}, nil
}

func (z *zone) add(name string, ttl int64, health string, region types.ResourceRecordSetRegion, value ...string) {
	s := types.ResourceRecordSet{Name: aws.String(name), Type: types.RRTypeA, TTL: aws.Int64(ttl), Region: region}
	if health != "" {
		s.HealthCheckId = aws.String(health)
	}
	for _, v := range value {
		s.ResourceRecords = append(s.ResourceRecords, types.ResourceRecord{Value: aws.String(v)})
	}
	z.sets = append(z.sets, s)
}

// serve answers for z on a free port until the test ends.
func serve(t *testing.T, z *zone, p Policy) (zones *Zones, addr string) {
	t.Helper()
	zones = &Zones{}
	if err := zones.Read(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	packets, listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := (&Server{Zones: zones, Policy: p}).Serve(ctx, packets, listener); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	return zones, listener.Addr().String()
}

func exchange(t *testing.T, network, addr, name string, typ uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), typ)
	got, _, err := (&dns.Client{Net: network, Timeout: time.Minute}).ExchangeContext(t.Context(), m, addr)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func addresses(m *dns.Msg) (all []string) {
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			all = append(all, a.A.String())
		}
	}
	return all
}

func TestQuestionsAreAnsweredOverUDPAndTCP(t *testing.T) {
	t.Parallel()
	z := &zone{}
	z.add("loop.test.", 60, "e", "east", "127.0.1.1")
	z.add("loop.test.", 30, "w", "west", "127.0.1.2")
	z.add(`\052.loop.test.`, 30, "", "", "127.0.1.3")
	_, addr := serve(t, z, policy(0, "e"))
	for _, network := range []string{"udp", "tcp"} {
		got := exchange(t, network, addr, "LOOP.test", dns.TypeA)
		if !slices.Equal(addresses(got), []string{"127.0.1.2"}) || !got.Authoritative || got.Answer[0].Header().Ttl != 30 || got.Answer[0].Header().Name != "LOOP.test." {
			t.Errorf("%s: %v", network, got)
		}
		for name, want := range map[string]int{"none.loop.test": dns.RcodeNameError, "other.test": dns.RcodeRefused, "xloop.test": dns.RcodeRefused} {
			if got := exchange(t, network, addr, name, dns.TypeA); got.Rcode != want || len(got.Answer) > 0 {
				t.Errorf("%s %s: %v", network, name, got)
			}
		}
		if got := exchange(t, network, addr, "loop.test", dns.TypeAAAA); got.Rcode != dns.RcodeSuccess || len(got.Answer) > 0 {
			t.Errorf("%s: a type that is not there: %v", network, got)
		}
	}
}

func TestWhatIsTooLongForUDPIsCutAndWholeOverTCP(t *testing.T) {
	t.Parallel()
	z := &zone{}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("127.0.2.%d", i))
	}
	z.add("loop.test.", 60, "", "", many...)
	_, addr := serve(t, z, policy(0))
	if got := exchange(t, "udp", addr, "loop.test", dns.TypeA); !got.Truncated || len(got.Answer) == 100 {
		t.Errorf("udp: truncated %v, %d answers", got.Truncated, len(got.Answer))
	}
	if got := exchange(t, "tcp", addr, "loop.test", dns.TypeA); got.Truncated || len(got.Answer) != 100 {
		t.Errorf("tcp: truncated %v, %d answers", got.Truncated, len(got.Answer))
	}
}

// The data plane does not need the control plane.
func TestTheZonesReadLastAreAnsweredWhileTheAPIIsDown(t *testing.T) {
	t.Parallel()
	z := &zone{}
	z.add("loop.test.", 60, "", "", "127.0.1.1")
	zones, addr := serve(t, z, policy(0))
	z.down = true
	if err := zones.Read(t.Context(), z); err == nil {
		t.Error("no error")
	}
	if got := exchange(t, "udp", addr, "loop.test", dns.TypeA); !slices.Equal(addresses(got), []string{"127.0.1.1"}) {
		t.Errorf("%v", got)
	}
	z.down, z.sets = false, nil
	z.add("loop.test.", 60, "", "", "127.0.1.9")
	if err := zones.Read(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, "udp", addr, "loop.test", dns.TypeA); !slices.Equal(addresses(got), []string{"127.0.1.9"}) {
		t.Errorf("%v", got)
	}
}
