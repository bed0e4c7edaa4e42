// Package failover says which health checks decide about a region, and under which names the loop and its regions are
// found. It is a plan and calls nothing: infra deploys it to Route 53, and the local world creates the same.
//
// Once deployed nothing of it is ever called again: the checks are what flips.
package failover

import (
	"strconv"

	"example.com/unbroken/internal/loop"
)

// What an endpoint check asks, and how often. The interval is fixed at creation.
const (
	Path      = "/v1/health"
	Interval  = 10 // seconds between the requests of one checker; the fast one of the two that there are
	Threshold = 3  // answers in a row that change its state
)

// Checkers are the places that an endpoint is asked from: the fewest that there may be, of eight, for about two checkers
// a place ask, and all their requests are paid for. None is a loop region of the default deployment, whose own checkers
// might see it while nobody else does.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
func Checkers() []string { return []string{"us-east-1", "us-west-1", "eu-west-1"} }

// Check is one health check of a region: of exactly one kind.
type Check struct {
	Name     string   // unique within the region; that of the one that decides is empty
	Endpoint string   // the host whose Path is asked, or
	Alarm    Alarm    // an observer's alarm, or
	Children []string // the names of the checks that are counted
	AtLeast  int      // how many of them have to be healthy
}

// Alarm is an observer's objection. Without data it does not vote: that counts as healthy.
type Alarm struct{ Name, Region string }

// Host is the region's own name below the loop's domain. Health checks, peers and hedging clients use it: it never
// fails over.
func Host(domain, region string) string { return region + "." + domain }

// Objection is the name of an observer's alarm against a region, without the prefix; the same wherever the observer runs.
func Objection(region string) string { return loop.FuncObserver + "-objects-" + region }

// Checks are those of a region, each after its children. The last one decides: it is healthy when the endpoint is and
// at least two of three observers do not object. Calculated checks cannot nest, so that is one sum: the endpoint
// counts twice, each observer once, and 4 of 5 must hold. It counts twice by two checks that are equal in all but their
// names: if one turned at fewer answers than the other, those and one objecting observer would be enough to leave.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-types.html
func Checks(cfg *loop.Config, domain, region string) []Check {
	var checks []Check
	for _, name := range []string{"EndpointA", "EndpointB"} {
		checks = append(checks, Check{Name: name, Endpoint: Host(domain, region)})
	}
	for i, observer := range cfg.Regions.All() {
		checks = append(checks, Check{
			Name: "Observer" + strconv.Itoa(i+1), Alarm: Alarm{Name: loop.Name(cfg.Prefix, Objection(region)), Region: observer},
		})
	}
	all := Check{AtLeast: Needed(len(checks))}
	for _, c := range checks {
		all.Children = append(all.Children, c.Name)
	}
	return append(checks, all)
}

// Record is how the loop's name is answered with a region while its check is healthy: by exactly one of these.
type Record struct {
	Region  string // identifies the record, too
	Latency bool   // the nearest is answered
	Weight  *int   // answered in proportion; 0 only while nothing else is healthy
	Role    string // PRIMARY is answered while healthy, else SECONDARY
}

// Records are those of the loop's name, one a loop region, by the policy of loop.yaml. All of a name have the same.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy.html
func Records(cfg *loop.Config) []Record {
	var records []Record
	for _, region := range cfg.Regions.Loop {
		r := Record{Region: region}
		switch cfg.DNS.Policy {
		case loop.DNSWeighted:
			w := cfg.DNS.Weights[region]
			r.Weight = &w
		case loop.DNSFailover:
			if r.Role = "SECONDARY"; region == cfg.DNS.Primary {
				r.Role = "PRIMARY"
			}
		default:
			r.Latency = true
		}
		records = append(records, r)
	}
	return records
}

// Needed is how many of a calculated check's children have to be healthy: all but one, whom it is not believed.
func Needed(children int) int { return children - 1 }
