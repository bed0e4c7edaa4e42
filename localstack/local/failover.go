package local

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/loop"
)

// Domain is the loop's name in the local world. No name below .test is ever delegated (RFC 6761).
const Domain = "loop.test"

// ttl is what API Gateway's own names have, which the records are aliases of on AWS.
const ttl = 60

// Failover makes the hosted zone of Domain with the health checks and records that infra deploys on AWS: the
// emulator's CloudFormation refuses a stack with a health check. It goes around the edge, as deploying is not what is
// observed. What is there already stays.
//
// Two things differ. A region's own name is an address on loopback, not an alias of its API's domain name; and the
// checks speak HTTP to it, on the edge's port.
func (s *Site) Failover(ctx context.Context, cfg *loop.Config) error {
	api := route53.NewFromConfig(s.direct(globalRegion))
	zone, err := hostedZone(ctx, api)
	if err != nil {
		return err
	}
	var records []types.ResourceRecordSet
	for _, planned := range failover.Records(cfg) {
		region := planned.Region
		addr, ok := s.Regions[region]
		if !ok {
			return fmt.Errorf("failover: this world was started without the region %s", region)
		}
		own := failover.Host(Domain, region)
		shared := types.ResourceRecordSet{
			Name: aws.String(Domain), Type: types.RRTypeA, SetIdentifier: aws.String(region),
			Failover:    types.ResourceRecordSetFailover(planned.Role),
			AliasTarget: &types.AliasTarget{DNSName: aws.String(own), HostedZoneId: zone},
		}
		if planned.Latency {
			shared.Region = types.ResourceRecordSetRegion(region)
		}
		if planned.Weight != nil {
			shared.Weight = aws.Int64(int64(*planned.Weight))
		}
		if len(cfg.Regions.Loop) > 1 { // with one region there is nowhere else to go
			if shared.HealthCheckId, err = s.healthChecks(ctx, api, cfg, region); err != nil {
				return err
			}
		}
		records = append(records, shared, types.ResourceRecordSet{
			Name: aws.String(own), Type: types.RRTypeA, TTL: aws.Int64(ttl), ResourceRecords: []types.ResourceRecord{{Value: aws.String(addr)}},
		})
	}
	batch := &types.ChangeBatch{}
	for _, r := range records {
		batch.Changes = append(batch.Changes, types.Change{Action: types.ChangeActionUpsert, ResourceRecordSet: &r})
	}
	if _, err := api.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: zone, ChangeBatch: batch}); err != nil {
		return fmt.Errorf("failover: %w", err)
	}
	return nil
}

func hostedZone(ctx context.Context, api *route53.Client) (*string, error) {
	created, err := api.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String(Domain), CallerReference: aws.String(Domain)})
	if err == nil {
		return created.HostedZone.Id, nil
	}
	var there *types.HostedZoneAlreadyExists
	if !errors.As(err, &there) {
		return nil, fmt.Errorf("failover: %w", err)
	}
	found, err := api.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{DNSName: aws.String(Domain), MaxItems: aws.Int32(1)})
	if err != nil || len(found.HostedZones) == 0 {
		return nil, fmt.Errorf("failover: the zone %s exists and is not found: %w", Domain, err)
	}
	return found.HostedZones[0].Id, nil
}

// healthChecks makes a region's checks and returns the one that decides. The caller reference names a check, so that
// making it twice is making it once.
func (s *Site) healthChecks(ctx context.Context, api *route53.Client, cfg *loop.Config, region string) (last *string, err error) {
	edgeURL, err := url.Parse(s.EdgeURL)
	if err != nil {
		return nil, fmt.Errorf("failover: %w", err)
	}
	port, err := strconv.ParseInt(edgeURL.Port(), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("failover: the edge's port: %w", err)
	}
	ids := map[string]string{}
	for _, c := range failover.Checks(cfg, Domain, region) {
		made, err := api.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{
			CallerReference:   aws.String(cfg.Prefix + "/" + region + "/" + c.Name),
			HealthCheckConfig: checkConfig(c, ids, int32(port)),
		})
		if err != nil {
			return nil, fmt.Errorf("failover: the health check %s of %s: %w", c.Name, region, err)
		}
		last = made.HealthCheck.Id
		ids[c.Name] = aws.ToString(last)
	}
	return last, nil
}

func checkConfig(c failover.Check, ids map[string]string, port int32) *types.HealthCheckConfig {
	switch {
	case c.Endpoint != "":
		return &types.HealthCheckConfig{
			Type: types.HealthCheckTypeHttp, FullyQualifiedDomainName: aws.String(c.Endpoint), Port: aws.Int32(port),
			ResourcePath: aws.String(failover.Path), RequestInterval: aws.Int32(failover.Interval), FailureThreshold: aws.Int32(failover.Threshold),
		}
	case c.Alarm.Name != "":
		return &types.HealthCheckConfig{
			Type:                         types.HealthCheckTypeCloudwatchMetric,
			AlarmIdentifier:              &types.AlarmIdentifier{Name: aws.String(c.Alarm.Name), Region: types.CloudWatchRegion(c.Alarm.Region)},
			InsufficientDataHealthStatus: types.InsufficientDataHealthStatusHealthy,
		}
	default:
		var children []string
		for _, name := range c.Children {
			children = append(children, ids[name])
		}
		return &types.HealthCheckConfig{
			Type: types.HealthCheckTypeCalculated, ChildHealthChecks: children, HealthThreshold: aws.Int32(int32(c.AtLeast)), //nolint:gosec // a handful
		}
	}
}
