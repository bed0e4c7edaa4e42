// Package route53 takes a region out of DNS, and puts it back, by Route 53's control plane: a last resort for people.
// That control plane is hosted in us-east-1 alone, and nothing that must work during a failure may need it; so no
// function carries this package.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/appendix-b---edge-network-global-service-guidance.html
//
// Of all that could be changed the threshold of the region's calculated check is the least: no record and no other
// check is touched, the region's record stays one of last resort where all look dead, and one number undoes it. A
// disabled check counts as healthy, and an inverted one turns healthy when its region fails in earnest.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html
package route53

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"example.com/unbroken/internal/failover"
)

// Home is the region whose failure takes the control plane with it.
const Home = "us-east-1"

// ErrNotOurs means that the zone has no record of the loop's name for the region, or one that no calculated check
// decides about.
var ErrNotOurs = errors.New("no record with a calculated health check")

// API is the part of Route 53 that is used; *route53.Client implements it.
type API interface {
	ListHostedZonesByName(ctx context.Context, in *route53.ListHostedZonesByNameInput, opts ...func(*route53.Options)) (*route53.ListHostedZonesByNameOutput, error)
	route53.ListResourceRecordSetsAPIClient
	GetHealthCheck(ctx context.Context, in *route53.GetHealthCheckInput, opts ...func(*route53.Options)) (*route53.GetHealthCheckOutput, error)
	UpdateHealthCheck(ctx context.Context, in *route53.UpdateHealthCheckInput, opts ...func(*route53.Options)) (*route53.UpdateHealthCheckOutput, error)
}

var _ API = (*route53.Client)(nil)

// Change is what was changed: how many healthy children the check asks for.
type Change struct {
	Check    string `json:"check"` // its id
	Children int    `json:"children"`
	Was      int    `json:"was"`
	Is       int    `json:"is"` // more than there are children is always unhealthy
}

// Names are those of one loop.
type Names struct {
	API    API
	Domain string // the loop's name
}

// Out makes the region's check unhealthy, whatever its children say. Repeated, it changes nothing.
func (n Names) Out(ctx context.Context, region string) (Change, error) {
	return n.set(ctx, region, func(children int) int { return children + 1 })
}

// In lets the children decide again.
func (n Names) In(ctx context.Context, region string) (Change, error) {
	return n.set(ctx, region, failover.Needed)
}

func (n Names) set(ctx context.Context, region string, threshold func(children int) int) (Change, error) {
	id, err := n.check(ctx, region)
	if err != nil {
		return Change{}, err
	}
	found, err := n.API.GetHealthCheck(ctx, &route53.GetHealthCheckInput{HealthCheckId: aws.String(id)})
	if err != nil {
		return Change{}, fmt.Errorf("read the health check %s: %w", id, err)
	}
	config := found.HealthCheck.HealthCheckConfig
	if config == nil || config.Type != types.HealthCheckTypeCalculated || len(config.ChildHealthChecks) == 0 {
		return Change{}, fmt.Errorf("%w: %s is none", ErrNotOurs, id)
	}
	c := Change{Check: id, Children: len(config.ChildHealthChecks), Was: int(aws.ToInt32(config.HealthThreshold))}
	if c.Is = threshold(c.Children); c.Is == c.Was {
		return c, nil
	}
	// The version keeps two people from writing over each other.
	_, err = n.API.UpdateHealthCheck(ctx, &route53.UpdateHealthCheckInput{
		HealthCheckId: aws.String(id), HealthCheckVersion: found.HealthCheck.HealthCheckVersion,
		HealthThreshold: aws.Int32(int32(c.Is)), //nolint:gosec // a handful of children
	})
	if err != nil {
		return Change{}, fmt.Errorf("change the health check %s: %w", id, err)
	}
	return c, nil
}

// check finds the id of the check of the region's record.
func (n Names) check(ctx context.Context, region string) (string, error) {
	zone, err := n.zone(ctx)
	if err != nil {
		return "", err
	}
	sets := route53.NewListResourceRecordSetsPaginator(n.API, &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(zone), StartRecordName: aws.String(n.Domain), StartRecordType: types.RRTypeA,
	})
	for sets.HasMorePages() {
		page, err := sets.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("read the records of %s: %w", n.Domain, err)
		}
		for _, s := range page.ResourceRecordSets {
			if !same(aws.ToString(s.Name), n.Domain) || s.Type != types.RRTypeA {
				return "", fmt.Errorf("%w: %s has none for %s", ErrNotOurs, n.Domain, region) // they stand in order
			}
			if aws.ToString(s.SetIdentifier) == region && s.HealthCheckId != nil {
				return *s.HealthCheckId, nil
			}
		}
	}
	return "", fmt.Errorf("%w: %s has none for %s", ErrNotOurs, n.Domain, region)
}

// zone finds the public hosted zone that holds the domain: its own, or that of a name above.
func (n Names) zone(ctx context.Context) (string, error) {
	for name := strings.TrimSuffix(n.Domain, "."); name != ""; {
		found, err := n.API.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: aws.String(name)})
		if err != nil {
			return "", fmt.Errorf("find the hosted zone of %s: %w", n.Domain, err)
		}
		for _, z := range found.HostedZones {
			if same(aws.ToString(z.Name), name) && (z.Config == nil || !z.Config.PrivateZone) {
				return aws.ToString(z.Id), nil
			}
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return "", fmt.Errorf("%w: this account has no hosted zone of %s", ErrNotOurs, n.Domain)
}

func same(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
