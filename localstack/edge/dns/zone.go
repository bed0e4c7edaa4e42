package dns

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// API is the part of Route 53 that is used; *route53.Client implements it. Nothing is written.
type API interface {
	route53.ListHostedZonesAPIClient
	route53.ListResourceRecordSetsAPIClient
}

var _ API = (*route53.Client)(nil)

// Every is how often the zones are read. A change takes up to 60 s to reach Route 53's servers.
const Every = time.Second

// Zones are the hosted zones as last read: the data plane, which goes on when the control plane does not answer. It is
// safe for concurrent use; the zero value has no zones.
type Zones struct{ read atomic.Pointer[contents] }

type contents struct {
	names   []string // of the zones
	records []Record
}

// Read brings the zones up to date.
func (z *Zones) Read(ctx context.Context, api API) error {
	var c contents
	zones := route53.NewListHostedZonesPaginator(api, &route53.ListHostedZonesInput{})
	for zones.HasMorePages() {
		page, err := zones.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("hosted zones: %w", err)
		}
		for _, zone := range page.HostedZones {
			c.names = append(c.names, fqdn(aws.ToString(zone.Name)))
			sets := route53.NewListResourceRecordSetsPaginator(api, &route53.ListResourceRecordSetsInput{HostedZoneId: zone.Id})
			for sets.HasMorePages() {
				page, err := sets.NextPage(ctx)
				if err != nil {
					return fmt.Errorf("records of %s: %w", aws.ToString(zone.Name), err)
				}
				for _, s := range page.ResourceRecordSets {
					c.records = append(c.records, recordOf(s))
				}
			}
		}
	}
	z.read.Store(&c)
	return nil
}

// Records are those of all zones.
func (z *Zones) Records() []Record {
	if c := z.read.Load(); c != nil {
		return c.records
	}
	return nil
}

// Owns says whether a name is in one of the zones.
func (z *Zones) Owns(name string) bool {
	c := z.read.Load()
	if c == nil {
		return false
	}
	for _, zone := range c.names {
		if name = fqdn(name); name == zone || strings.HasSuffix(name, "."+zone) {
			return true
		}
	}
	return false
}

func recordOf(s types.ResourceRecordSet) Record {
	r := Record{
		Name: unescape(fqdn(aws.ToString(s.Name))), Type: string(s.Type), Set: aws.ToString(s.SetIdentifier),
		TTL:    uint32(aws.ToInt64(s.TTL)), //nolint:gosec // at most 2147483647
		Health: aws.ToString(s.HealthCheckId), Region: string(s.Region), Failover: string(s.Failover),
		Weight: s.Weight, Multi: aws.ToBool(s.MultiValueAnswer),
	}
	for _, v := range s.ResourceRecords {
		r.Values = append(r.Values, aws.ToString(v.Value))
	}
	if s.AliasTarget != nil {
		r.Alias = aws.ToString(s.AliasTarget.DNSName)
	}
	return r
}

// unescape undoes what the API does to a name: \052 is an asterisk.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
func unescape(name string) string {
	for i := 0; i+3 < len(name); i++ {
		if name[i] != '\\' {
			continue
		}
		if code, err := strconv.ParseUint(name[i+1:i+4], 8, 8); err == nil {
			name = name[:i] + string(rune(code)) + name[i+4:]
		}
	}
	return name
}
