package rule

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

func (d *decoder) dns(into *loop.DNS) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.fields(n, path, known{
			"policy":  d.text(&into.Policy),
			"primary": d.text(&into.Primary),
			"weights": func(n ast.Node, path string) {
				into.Weights = map[string]int{}
				d.entries(n, path, func(name string, n ast.Node, path string) {
					var w int
					d.integer(&w)(n, path)
					into.Weights[name] = w
				})
			},
		})
	}
}

// maxWeight is Route 53's.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-weighted.html
const maxWeight = 255

// dns checks how the loop's name is answered. A region that no answer can name would be found by nobody, so every
// loop region has its place.
func (c *checker) dns() {
	dns, regions := c.cfg.DNS, c.cfg.Regions.Loop
	if dns.Policy != "" {
		c.oneOf("dns.policy", dns.Policy, loop.DNSLatency, loop.DNSWeighted, loop.DNSFailover)
	}
	if dns.Weights != nil && dns.Policy != loop.DNSWeighted {
		c.fail("dns.weights", "policy: "+loop.DNSWeighted, "does not go with the policy %s", orElse(dns.Policy, loop.DNSLatency))
	}
	if dns.Primary != "" && dns.Policy != loop.DNSFailover {
		c.fail("dns.primary", "policy: "+loop.DNSFailover, "does not go with the policy %s", orElse(dns.Policy, loop.DNSLatency))
	}
	switch dns.Policy {
	case loop.DNSWeighted:
		c.weights(dns.Weights, regions)
	case loop.DNSFailover:
		// A name has one PRIMARY and one SECONDARY record.
		// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-failover.html
		if len(regions) != 2 {
			c.fail("dns.policy", loop.DNSLatency+" or "+loop.DNSWeighted, "one region stands by for another: that takes two loop regions, and there are %d", len(regions))
		} else if !slices.Contains(regions, dns.Primary) {
			c.fail("dns.primary", strings.Join(regions, " or "), "must be a loop region, not %q", dns.Primary)
		}
	}
}

func (c *checker) weights(weights map[string]int, regions []string) {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		w := weights[name]
		if !slices.Contains(regions, name) {
			c.fail("dns.weights."+name, strings.Join(regions, ", "), "is no loop region")
		}
		if w < 0 || w > maxWeight {
			c.fail("dns.weights."+name, "", "must be between 0 and %d", maxWeight)
		}
		total += w
	}
	for _, name := range regions {
		if _, ok := weights[name]; !ok {
			c.fail("dns.weights", name+": 0 is answered only while no other is healthy", "%s has none", name)
		}
	}
	if len(weights) > 0 && total == 0 {
		c.fail("dns.weights", "", "one at least must be more than 0")
	}
}
