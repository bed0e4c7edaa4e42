package rule

import (
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
)

// checker checks what a decoded file means.
type checker struct {
	*decoder
	cfg     *loop.Config
	schemas Schemas
}

// claimMargin is what an attempt needs besides the target's answer: to claim, to sign and to commit.
const claimMargin = time.Second

// patterns of names, compiled once.
var patterns = sync.OnceValue(func() (p struct{ prefix, region, id, secret, header *regexp.Regexp }) {
	p.prefix = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)
	p.region = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,3}-[1-9]$`)
	p.id = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	p.secret = regexp.MustCompile(`^ssm:(/[A-Za-z0-9_.-]+)+$`)
	p.header = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	return p
})

// deployment checks prefix, regions and the durations that protect a claim.
func (c *checker) deployment() {
	if !patterns().prefix.MatchString(c.cfg.Prefix) {
		c.fail("prefix", "2 to 31 lower-case letters, digits and dashes, starting with a letter", "%q cannot start a resource's name", c.cfg.Prefix)
	}
	c.regions()
	c.health()
	c.dns()
	for _, entry := range c.cfg.EgressAllow {
		if _, err := netip.ParseAddrPort(entry); err != nil {
			c.fail("egress_allow", "such as 10.0.0.7:8080", "%q is not ip:port", entry)
		}
	}
	// Whoever holds a claim must be done before another may take it, and the standby copy must find it either
	// committed or up for taking (DESIGN section 5).
	if c.cfg.Claim >= c.cfg.StandbyDelay {
		c.fail("claim", "DESIGN: action timeout + 1s < claim < standby_delay", "%s is not less than the standby delay, %s", c.cfg.Claim, c.cfg.StandbyDelay)
	}
	if c.cfg.StandbyDelay.Std() > loop.MaxDelay {
		c.fail("standby_delay", "", "%s is more than SQS can delay, %s", c.cfg.StandbyDelay, loop.MaxDelay)
	}
}

func (c *checker) regions() {
	r := c.cfg.Regions
	for i, region := range r.All() {
		path := "regions.loop"
		if i >= len(r.Loop) {
			path = "regions.witness"
		}
		if !patterns().region.MatchString(region) {
			c.fail(path, "such as us-east-2", "%q is not a region", region)
		}
		if slices.Contains(r.All()[:i], region) {
			c.fail(path, "", "%s is named twice", region)
		}
	}
	// Strong consistency across regions takes exactly three.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
	switch n := len(r.Loop); {
	case n > 3:
		c.fail("regions.loop", "two loop regions and a witness, or three loop regions", "%d loop regions; at most 3 are possible", n)
	case n == 3 && r.Witness != "":
		c.fail("regions.witness", "leave it out", "three loop regions need no witness")
	case n == 2 && r.Witness == "":
		c.fail("regions", "add witness: a third region", "two loop regions need a witness")
	case n == 1 && r.Witness != "":
		c.fail("regions.witness", "add a second loop region, or leave it out", "one loop region has no use for a witness")
	}
}

const idHint = "lower-case letters, digits, - and _, starting with a letter or digit, at most 64"

func (c *checker) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		if value == "" {
			c.fail(path, strings.Join(allowed, " or "), "is required")
			return
		}
		c.fail(path, strings.Join(allowed, " or "), "unknown value %q", value)
	}
}

// report notes problems that a compilation found, each at its field below path.
func (c *checker) report(path string, problems []error) {
	for _, err := range problems {
		at := path
		if f, ok := errors.AsType[*fieldError](err); ok {
			err = f.err
			if f.name != "" {
				at += "." + f.name
			}
		}
		c.fail(at, "", "%s", err)
	}
}
