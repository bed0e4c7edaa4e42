package rule

import (
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// straggle is how long a request may be on its way after its sender gave up waiting, as act has it.
const straggle = time.Minute

// outage checks on_claims_outage: only a target that drops or refuses a second request itself may be called without
// a claim, and a keyed one must not forget the key while requests may still come.
func (c *checker) outage(path string, a loop.Action) {
	path += ".on_claims_outage"
	switch least := a.ExpireAfter.Std() + a.Timeout.Std() + straggle; {
	case a.OnOutage == "" || a.OnOutage == loop.OutageHold:
	case a.OnOutage != loop.OutageSend:
		c.oneOf(path, a.OnOutage, loop.OutageHold, loop.OutageSend)
	case a.Effect != loop.ClassKeyed && a.Effect != loop.ClassFenced:
		c.fail(path, "leave it out", "send is for keyed and fenced effects: without a claim nothing keeps two regions from doing a %s effect twice", a.Effect)
	case a.Effect == loop.ClassKeyed && a.Horizon.Std() < least:
		c.fail(path, "lower expire_after", "the target may forget the key before the last request has come: a horizon of %s is less than expire_after, timeout and a minute, %s",
			a.Horizon, loop.Duration(least))
	}
}

// unclaimed checks that nothing else about a rule's effects is kept in the table that on_claims_outage: send does
// without.
func (c *checker) unclaimed(path string, r *loop.Rule) {
	why := ""
	switch {
	case r.Stateful():
		why = "a rule with a window keeps its episodes in claims, and does not decide without"
	case r.Guard.MaxPerHour > 0 || r.Guard.MaxRegressions > 0:
		why = "what guard counts stands in claims"
	case r.Throttle > 0:
		why = "what throttle goes by stands in claims"
	case r.Group != nil:
		why = "what a group has gathered stands in claims"
	case len(r.InhibitedBy) > 0:
		why = "what mutes it stands in claims"
	}
	for i, s := range r.Do {
		switch {
		case c.cfg.Actions[s.Action].OnOutage != loop.OutageSend:
		case why != "":
			c.fail(fmt.Sprintf("%s.do[%d].action", path, i), "use an action with on_claims_outage: hold", "%s is sent without claims, but %s", s.Action, why)
		case s.Approval != "":
			c.fail(fmt.Sprintf("%s.do[%d].approval", path, i), "use an action with on_claims_outage: hold", "%s is sent without claims, where approvals stand", s.Action)
		}
	}
	if v := r.Verify; v != nil { // else has no throttle and spends nothing, and its decision does not touch claims
		for i, s := range v.Else {
			if c.cfg.Actions[s.Action].OnOutage == loop.OutageSend && s.Approval != "" {
				c.fail(fmt.Sprintf("%s.verify.else[%d].approval", path, i), "use an action with on_claims_outage: hold", "%s is sent without claims, where approvals stand", s.Action)
			}
		}
	}
	for i, s := range r.Undo {
		if c.cfg.Actions[s.Action].OnOutage == loop.OutageSend {
			c.fail(fmt.Sprintf("%s.undo[%d].action", path, i), "use an action with on_claims_outage: hold", "%s is sent without claims, but whether its do was done stands there", s.Action)
		}
	}
}
