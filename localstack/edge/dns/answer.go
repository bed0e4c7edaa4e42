package dns

import (
	"cmp"
	"slices"
	"strings"
)

// Record is a resource record set of a hosted zone. Of several with the same name and type the policy chooses.
type Record struct {
	Name, Type string // the name is lower case and ends with a dot
	Set        string // SetIdentifier
	TTL        uint32
	Values     []string
	Alias      string // a name of the zone to answer in the place of this one
	Health     string // the id of a health check; "" is always healthy

	// The policy: at most one.
	Region   string // by latency
	Failover string // PRIMARY or SECONDARY
	Weight   *int64
	Multi    bool // multivalue answer
}

// Policy is what the choice depends on besides the records.
type Policy struct {
	Healthy func(check string) bool
	// Near orders the regions, the nearest first: on one machine all are equally far.
	Near []string
	// Draw returns a number from 0 to n-1, for weights.
	Draw func(n int64) int64
}

// maxMulti is how many multivalue records are answered.
const maxMulti = 8

// choose picks the records to answer of all with one name and type. When none is healthy all count as healthy: a
// monitor that fails must not take a service down.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
func (p Policy) choose(all []Record) []Record {
	healthy := slices.DeleteFunc(slices.Clone(all), func(r Record) bool { return r.Health != "" && !p.Healthy(r.Health) })
	if len(healthy) == 0 {
		healthy = slices.Clone(all)
	}
	switch {
	case len(healthy) == 0:
		return nil
	case all[0].Region != "":
		slices.SortStableFunc(healthy, func(a, b Record) int { return cmp.Compare(p.distance(a.Region), p.distance(b.Region)) })
		return healthy[:1]
	case all[0].Failover != "":
		// With both unhealthy this answers the primary, as Route 53 does.
		slices.SortStableFunc(healthy, func(a, b Record) int { return strings.Compare(a.Failover, b.Failover) })
		return healthy[:1]
	case all[0].Weight != nil:
		return p.weighted(all, healthy)
	case all[0].Multi:
		return healthy[:min(len(healthy), maxMulti)]
	default:
		return all[:1]
	}
}

// distance is the place among the near ones; those that are not named are farthest.
func (p Policy) distance(region string) int {
	if i := slices.Index(p.Near, region); i >= 0 {
		return i
	}
	return len(p.Near)
}

// weighted draws one by weight. Records of weight zero are only considered when no other is healthy; when nothing is
// healthy at all, those with a weight are.
func (p Policy) weighted(all, healthy []Record) []Record {
	sum := func(records []Record) (n int64) {
		for _, r := range records {
			n += *r.Weight
		}
		return n
	}
	total := sum(healthy)
	if total == 0 { // only records without a weight are left, or there are no others
		none := sum(all) == 0
		for _, r := range healthy {
			if *r.Weight == 0 && (none || r.Health == "" || p.Healthy(r.Health)) {
				return []Record{r}
			}
		}
		return healthy[:1]
	}
	at := p.Draw(total)
	for _, r := range healthy {
		if at -= *r.Weight; at < 0 {
			return []Record{r}
		}
	}
	return healthy[len(healthy)-1:]
}

// maxAliases bounds a chain of aliases, which might be a circle.
const maxAliases = 8

// Answer is what a zone's records say to a question: the values to answer under the name that was asked for, with the
// type they have. found is whether the name exists at all.
func (p Policy) Answer(records []Record, name, typ string) (answers []Record, found bool) {
	return p.answer(records, fqdn(name), typ, maxAliases)
}

func (p Policy) answer(records []Record, name, typ string, aliases int) (answers []Record, found bool) {
	var all, cname []Record
	for _, r := range records {
		if r.Name != name {
			continue
		}
		found = true
		switch r.Type {
		case typ:
			all = append(all, r)
		case "CNAME":
			cname = append(cname, r)
		}
	}
	if len(all) == 0 {
		all = cname
	}
	for _, r := range p.choose(all) {
		if r.Alias == "" {
			answers = append(answers, r)
			continue
		}
		if aliases == 0 {
			continue
		}
		// An alias answers the target's values as its own, with the target's TTL.
		target, _ := p.answer(records, fqdn(r.Alias), typ, aliases-1)
		for _, t := range target {
			t.Name = r.Name
			answers = append(answers, t)
		}
	}
	return answers, found
}

func fqdn(name string) string {
	name = strings.ToLower(name)
	if !strings.HasSuffix(name, ".") {
		name += "."
	}
	return name
}
