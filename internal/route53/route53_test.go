package route53_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/route53"
)

const domain, east, west = "loop.example.com", "us-east-2", "us-west-2"

// plane is a control plane with a zone and the calculated checks "c-{region}".
type plane struct {
	zones   []string
	records []types.ResourceRecordSet
	checks  map[string]*types.HealthCheck
	updates int
	down    error
}

func newPlane() *plane {
	p := &plane{zones: []string{"example.com.", "loop.example.com.evil."}, checks: map[string]*types.HealthCheck{}}
	cfg := &loop.Config{Regions: loop.Regions{Loop: []string{east, west}, Witness: "us-east-1"}}
	for _, region := range cfg.Regions.Loop {
		plan := failover.Checks(cfg, domain, region)
		last := plan[len(plan)-1]
		p.checks["c-"+region] = &types.HealthCheck{Id: aws.String("c-" + region), HealthCheckVersion: aws.Int64(7), HealthCheckConfig: &types.HealthCheckConfig{
			Type: types.HealthCheckTypeCalculated, ChildHealthChecks: last.Children, HealthThreshold: aws.Int32(int32(last.AtLeast)),
		}}
		p.records = append(p.records, types.ResourceRecordSet{
			Name: aws.String(domain + "."), Type: types.RRTypeA, SetIdentifier: aws.String(region), HealthCheckId: aws.String("c-" + region),
		})
	}
	p.records = append(p.records, types.ResourceRecordSet{Name: aws.String("other.example.com."), Type: types.RRTypeA, SetIdentifier: aws.String("eu-west-1"), HealthCheckId: aws.String("c")})
	return p
}

func (p *plane) ListHostedZonesByName(_ context.Context, in *sdk.ListHostedZonesByNameInput, _ ...func(*sdk.Options)) (*sdk.ListHostedZonesByNameOutput, error) {
	out := &sdk.ListHostedZonesByNameOutput{}
	for _, z := range p.zones { // those from the name on, as the service answers
		out.HostedZones = append(out.HostedZones, types.HostedZone{Id: aws.String("Z" + z), Name: aws.String(z)})
	}
	return out, p.down
}

func (p *plane) ListResourceRecordSets(_ context.Context, in *sdk.ListResourceRecordSetsInput, _ ...func(*sdk.Options)) (*sdk.ListResourceRecordSetsOutput, error) {
	if aws.ToString(in.HostedZoneId) != "Zexample.com." || in.StartRecordIdentifier == nil && aws.ToString(in.StartRecordName) != domain {
		return nil, errors.New("asked for " + aws.ToString(in.HostedZoneId))
	}
	// A page a record, each naming the next.
	at := 0
	for i, r := range p.records {
		if id := aws.ToString(in.StartRecordIdentifier); id != "" && id == aws.ToString(r.SetIdentifier) {
			at = i
		}
	}
	out := &sdk.ListResourceRecordSetsOutput{ResourceRecordSets: p.records[at : at+1]}
	if at+1 < len(p.records) {
		next := p.records[at+1]
		out.IsTruncated, out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier = true, next.Name, next.Type, next.SetIdentifier
	}
	return out, nil
}

func (p *plane) GetHealthCheck(_ context.Context, in *sdk.GetHealthCheckInput, _ ...func(*sdk.Options)) (*sdk.GetHealthCheckOutput, error) {
	return &sdk.GetHealthCheckOutput{HealthCheck: p.checks[aws.ToString(in.HealthCheckId)]}, nil
}

func (p *plane) UpdateHealthCheck(_ context.Context, in *sdk.UpdateHealthCheckInput, _ ...func(*sdk.Options)) (*sdk.UpdateHealthCheckOutput, error) {
	c := p.checks[aws.ToString(in.HealthCheckId)]
	if aws.ToInt64(in.HealthCheckVersion) != aws.ToInt64(c.HealthCheckVersion) {
		return nil, &types.HealthCheckVersionMismatch{}
	}
	p.updates++
	c.HealthCheckConfig.HealthThreshold = in.HealthThreshold
	c.HealthCheckVersion = aws.Int64(*c.HealthCheckVersion + 1)
	return &sdk.UpdateHealthCheckOutput{HealthCheck: c}, nil
}

// Out asks for more healthy children than there are, In for as many as were deployed; the other region is not touched.
func TestARegionGoesOutAndComesBackAsItWasDeployed(t *testing.T) {
	t.Parallel()
	p := newPlane()
	n := route53.Names{API: p, Domain: domain}
	for range 2 { // repeated, it changes nothing
		c, err := n.Out(t.Context(), west)
		if err != nil || c.Check != "c-"+west || c.Children != 5 || c.Is != 6 {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	if got := aws.ToInt32(p.checks["c-"+west].HealthCheckConfig.HealthThreshold); got != 6 || p.updates != 1 {
		t.Errorf("threshold %d after %d updates", got, p.updates)
	}
	c, err := n.In(t.Context(), west)
	if err != nil || c.Was != 6 || c.Is != 4 || p.updates != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	if got := aws.ToInt32(p.checks["c-"+east].HealthCheckConfig.HealthThreshold); got != 4 {
		t.Errorf("the other region's threshold is %d", got)
	}
}

func TestWhatIsNotOursIsNotTouched(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*plane) (domain, region string){
		"no zone":              func(p *plane) (string, string) { p.zones = nil; return domain, west },
		"a region without one": func(*plane) (string, string) { return domain, "eu-west-1" },
		"no check":             func(p *plane) (string, string) { p.records[1].HealthCheckId = nil; return domain, west },
		"not a calculated one": func(p *plane) (string, string) {
			p.checks["c-"+west].HealthCheckConfig.Type = "HTTPS"
			return domain, west
		},
		"one without children": func(p *plane) (string, string) {
			p.checks["c-"+west].HealthCheckConfig.ChildHealthChecks = nil
			return domain, west
		},
		"a zone below the name": func(p *plane) (string, string) { p.zones = p.zones[1:]; return domain, west },
	} {
		p := newPlane()
		d, region := breakIt(p)
		if c, err := (route53.Names{API: p, Domain: d}).Out(t.Context(), region); !errors.Is(err, route53.ErrNotOurs) || p.updates > 0 {
			t.Errorf("%s: %+v, %v, %d updates", name, c, err, p.updates)
		}
	}
	p := newPlane()
	p.down = errors.New("us-east-1 is down")
	if _, err := (route53.Names{API: p, Domain: domain}).Out(t.Context(), west); !errors.Is(err, p.down) {
		t.Errorf("%v", err)
	}
}
