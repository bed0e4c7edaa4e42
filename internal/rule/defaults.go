package rule

import (
	"maps"
	"time"

	"example.com/unbroken/internal/loop"
)

// What a file that says nothing means (DESIGN sections 2, 3 and 5).
const (
	defaultPrefix       = "unbroken"
	defaultWitness      = "us-east-1"
	defaultStandbyDelay = loop.Duration(20 * time.Second)
	defaultClaim        = loop.Duration(15 * time.Second)
	defaultMaxSkew      = loop.Duration(time.Hour)
	defaultEvery        = loop.Duration(time.Minute)
	defaultLateness     = loop.Duration(5 * time.Minute)
	defaultTimeout      = loop.Duration(5 * time.Second)
	defaultExpireAfter  = loop.Duration(15 * time.Minute)
	defaultHorizon      = loop.Duration(24 * time.Hour)
	defaultRetryBase    = loop.Duration(time.Second)
	defaultRetryCap     = loop.Duration(5 * time.Minute)
	defaultMethod       = "POST"
)

func defaultLoopRegions() []string { return []string{"us-east-2", "us-west-2"} }

// setDefaults fills in what the file leaves out. The witness has a default only together with the regions it
// belongs to.
func setDefaults(c *loop.Config) {
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if len(c.Regions.Loop) == 0 {
		c.Regions.Loop = defaultLoopRegions()
		if c.Regions.Witness == "" {
			c.Regions.Witness = defaultWitness
		}
	}
	if c.StandbyDelay == 0 {
		c.StandbyDelay = defaultStandbyDelay
	}
	if c.Claim == 0 {
		c.Claim = defaultClaim
	}
	if c.Health.Drain == "" {
		c.Health.Drain = loop.DrainAutomatic
	}
	for _, in := range c.Inputs { // what is measured lies in the first region, where the file does not say another
		for i := range in.Metrics {
			in.Metrics[i].Region = orElse(in.Metrics[i].Region, c.Regions.Loop[0])
		}
	}
	for i, r := range c.Rules {
		if r.Match == nil && r.Window != nil && len(r.Window.All) > 0 {
			c.Rules[i].Match = anyOf(r.Window.All)
		}
	}
	for name, a := range c.Actions {
		// A resource without a region in its name lies in the first one: two regions that act must mean the same.
		s, ok := specs()[a.To]
		if !ok || a.Fields["region"] != "" {
			continue
		}
		if _, has := s.field("region"); has {
			a.Fields = maps.Clone(a.Fields)
			if a.Fields == nil {
				a.Fields = map[string]string{}
			}
			a.Fields["region"] = c.Regions.Loop[0]
			c.Actions[name] = a
		}
	}
}

// anyOf is the pattern of a rule that has none beside those of its conditions: whatever one of them may take.
func anyOf(conditions []loop.Condition) map[string][]any {
	var types []any
	for _, condition := range conditions {
		types = append(types, condition.Match["type"]...)
	}
	return map[string][]any{"type": types}
}

// setClassDefaults fills in what follows from an action's target.
func setClassDefaults(a *loop.Action) {
	can, ok := a.Capability()
	if ok && a.Effect == "" {
		a.Effect = can.Classes[0]
	}
	switch {
	case a.To == loop.TargetWebhook && a.Method == "":
		a.Method = defaultMethod
	case a.To == loop.TargetSlack && a.URL == "":
		a.URL = slackURL
	case a.To == loop.TargetPagerDuty && a.URL == "":
		a.URL = pagerDutyURL
	}
	if a.Effect == loop.ClassKeyed && a.Horizon == 0 {
		a.Horizon = defaultHorizon
		if can.Horizon != 0 {
			a.Horizon = loop.Duration(can.Horizon)
		}
	}
}
