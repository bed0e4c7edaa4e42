package rule

import (
	"net/http"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
)

// actions checks each action: its name, its target's fields, its class and its bounds.
func (c *checker) actions() {
	for _, name := range sortedKeys(c.cfg.Actions) {
		a := c.cfg.Actions[name]
		path := "actions." + name
		if !patterns().id.MatchString(name) {
			c.fail(path, idHint, "%q is not a name", name)
		}
		c.target(path, a)
		c.class(path, a)
		c.retry(path, a)
		c.outage(path, a)
		c.fallback(path, name)
		if a.Timeout <= 0 {
			c.fail(path+".timeout", "", "must be more than 0")
		}
		if a.Timeout.Std()+claimMargin >= c.cfg.Claim.Std() {
			c.fail(path+".timeout", "action timeout + 1s < claim < standby_delay", "%s and a margin of %s do not fit into the claim, %s",
				a.Timeout, claimMargin, c.cfg.Claim)
		}
		if a.ExpireAfter <= 0 {
			c.fail(path+".expire_after", "", "must be more than 0")
		}
		switch a.To {
		case loop.TargetWebhook:
			c.webhook(path, a)
		case loop.TargetSlack, loop.TargetPagerDuty:
			c.preset(path, a)
		case loop.TargetOutput:
			c.output(path, a)
		}
		if a.Output == "" && a.Value != nil {
			c.fail(path+".value", "add output: the key to write it to", "is written nowhere")
		}
		compiled := action{name: name, config: a}
		c.report(path, compiled.compile())
	}
}

// class checks that the target can keep the promise the class makes.
func (c *checker) class(path string, a loop.Action) {
	can, ok := a.Capability()
	if ok && !can.Can(a.Effect) {
		var all []string
		for _, class := range can.Classes {
			all = append(all, string(class))
		}
		c.fail(path+".effect", "leave it out, or write "+all[0], "%s cannot be %q; it can be %s", a.To, a.Effect, strings.Join(all, " or "))
	}
	switch {
	case a.Effect != loop.ClassKeyed && a.Horizon != 0:
		c.fail(path+".horizon", "leave it out", "is for keyed effects only")
	case can.Horizon != 0 && a.Horizon.Std() > can.Horizon:
		c.fail(path+".horizon", "leave it out", "%s remembers for %s, not for %s", a.To, can.Horizon, a.Horizon)
	}
}

// ownHeaders are those that act sets for each attempt, or that the connection owns.
func ownHeaders() []string {
	return []string{
		"idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature",
		"host", "connection", "content-length", "transfer-encoding", "trailer", "upgrade", "te", "keep-alive", "expect",
		"proxy-authorization", "proxy-connection",
	}
}

func (c *checker) webhook(path string, a loop.Action) {
	if a.URL == "" {
		c.fail(path, "add url: https://…", "url is required")
	} else if err := checkURL(a.URL, c.cfg.EgressAllow); err != nil {
		c.fail(path+".url", "", "%s", err)
	}
	methods := []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	c.oneOf(path+".method", a.Method, methods...)
	if a.Secret != "" && !patterns().secret.MatchString(a.Secret) {
		c.fail(path+".secret", "such as ssm:/unbroken/page", "must name a parameter, never hold the secret itself")
	}
	lower := map[string]bool{}
	for _, name := range sortedKeys(a.Headers) {
		value := a.Headers[name]
		at := path + ".headers." + name
		switch key := strings.ToLower(name); {
		case !patterns().header.MatchString(name):
			c.fail(at, "", "%q is not a header's name", name)
		case slices.Contains(ownHeaders(), key):
			c.fail(at, "leave it out", "is set by unbroken")
		case lower[key]:
			c.fail(at, "", "given twice")
		case !headerValue(value):
			c.fail(at, "", "must not hold a line break or another control character")
		}
		lower[strings.ToLower(name)] = true
	}
}

func (c *checker) output(path string, a loop.Action) {
	if a.Output == "" {
		c.fail(path, "add output: its key", "output is required")
	}
}
