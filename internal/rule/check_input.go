package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
)

// maxSecrets is one in use and the one that replaces it.
const maxSecrets = 2

// principalARN is a role or a user; the session of a role is not known beforehand.
var principalARN = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
})

func (c *checker) inputs() {
	byKind := map[string]string{}
	for _, name := range sortedKeys(c.cfg.Inputs) {
		in := c.cfg.Inputs[name]
		path := "inputs." + name
		if !patterns().id.MatchString(name) {
			c.fail(path, idHint, "%q is not a name", name)
		}
		c.oneOf(path+".kind", in.Kind, loop.KindHTTP, loop.KindQueue, loop.KindAlarm, loop.KindPoll)
		c.oneOf(path+".durability", in.Durability, loop.Mirrored, loop.Regional)
		c.oneOf(path+".policy", in.Policy, loop.PolicyAll, loop.PolicyAny)
		c.sources(path+".sources", in.Sources)
		if strings.HasPrefix(strings.ToLower(in.Source), loop.OwnSourcePrefix) {
			c.fail(path+".source", "", "sources that start with %s belong to the loop itself", loop.OwnSourcePrefix)
		}
		c.schema(path+".schema", in)
		c.expectation(name, path, in)
		switch in.Kind {
		case loop.KindHTTP:
			c.format(path, in)
			c.auth(path, in)
		case loop.KindPoll:
			c.onlyHTTP(path, in)
		case loop.KindQueue, loop.KindAlarm:
			c.onlyHTTP(path, in)
			if other, again := byKind[in.Kind]; again {
				c.fail(path+".kind", "", "a region has one input of kind %s, and it is %s", in.Kind, other)
			}
			byKind[in.Kind] = name
		}
		c.poll(path, in)
		c.topics(path, in)
	}
}

// schema checks the schema of what the input takes; an alarm's data has a form of its own.
func (c *checker) schema(path string, in loop.Input) {
	switch {
	case in.Schema == nil:
	case in.Kind == loop.KindAlarm:
		c.fail(path, "leave it out", "what alarms say has one form")
	case c.schemas == nil:
		c.fail(path, "", "this program cannot check a schema")
	default:
		c.isSchema(path, in.Schema)
	}
}

func (c *checker) isSchema(path string, schema []byte) {
	at, err := c.schemas(schema)
	if err == nil {
		return
	}
	for _, name := range at {
		if _, isIndex := c.places[path+"["+name+"]"]; isIndex {
			path += "[" + name + "]"
		} else {
			path += "." + name
		}
	}
	c.fail(path, "", "%s", err)
}

// topicARN names a topic; functions subscribe to it in its own region.
var topicARN = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^arn:aws[a-z-]*:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]+$`)
})

func (c *checker) topics(path string, in loop.Input) {
	if len(in.Topics) > 0 && in.Kind != loop.KindAlarm {
		c.fail(path+".topics", "subscribe the inbox instead", "only an input of kind alarm has topics")
	}
	for _, arn := range in.Topics {
		if m := topicARN().FindStringSubmatch(arn); m == nil || !slices.Contains(c.cfg.Regions.Loop, m[1]) {
			c.fail(path+".topics", "such as arn:aws:sns:us-east-2:123456789012:alarms", "%q is not a topic in a loop region", arn)
		}
	}
}

// onlyHTTP refuses what would be ignored elsewhere.
func (c *checker) onlyHTTP(path string, in loop.Input) {
	for field, given := range map[string]bool{
		"format": in.Format != "", "source": in.Source != "" && in.Kind != loop.KindPoll, "map": in.Map != loop.Mapping{} && in.Kind != loop.KindPoll,
		"auth": in.Auth != "", "credentials": len(in.Credentials) > 0, "quota": in.Quota != loop.Quota{},
	} {
		if given {
			c.fail(path+"."+field, "a queue bounds itself, and its policy says who may send; sources says for what", "only an input of kind http has it")
		}
	}
}

// format checks what makes signals of a body.
func (c *checker) format(path string, in loop.Input) {
	c.oneOf(path+".format", in.Format, loop.FormatCloudEvents, loop.FormatJSON, loop.FormatAlertmanager, loop.FormatGrafana, loop.FormatGitHub)
	if in.Format == loop.FormatCloudEvents && in.Source != "" {
		c.fail(path+".source", "leave it out, or choose another format", "a CloudEvent names its own source")
	}
	if in.Format != loop.FormatJSON && in.Map != (loop.Mapping{}) {
		c.fail(path+".map", "add format: json", "only format json has a mapping")
	}
	switch in.Format {
	case loop.FormatJSON:
		c.mapping(path, in)
	case loop.FormatAlertmanager, loop.FormatGrafana, loop.FormatGitHub:
		if in.Quota != (loop.Quota{}) && in.Format != loop.FormatGitHub {
			// https://github.com/prometheus/alertmanager/blob/main/notify/webhook/webhook.go: only 5xx is tried again.
			c.fail(path+".quota", "group the alerts there", "what is answered 429 would be lost: %s does not send it again", in.Format)
		}
		if in.Source == "" {
			c.fail(path, "add source: "+in.Format+"/…", "source is required: format %s has none of its own", in.Format)
		}
	}
	if in.Format == loop.FormatGitHub && in.Auth != loop.AuthGitHub {
		c.fail(path, "add auth: github and credentials: [{secrets: [ssm:/…]}]", "GitHub signs what it sends; unsigned it is not taken")
	}
}

func (c *checker) mapping(path string, in loop.Input) {
	if in.Map.ID == "" || in.Map.Type == "" {
		c.fail(path+".map", "add id: what makes one event different from all others, and type", "id and type are required")
	}
	if (in.Map.Source == "") == (in.Source == "") {
		c.fail(path, "", "give either source or map.source")
	}
	_, problems := compileMapping(in.Map)
	c.report(path+".map", problems)
	for _, f := range mappingFields(in.Map) {
		if err := estimate(f.source); f.source != "" && err != nil {
			c.fail(path+".map."+f.name, "", "%s", err)
		}
	}
}

// auth checks that somebody can send, and that each credential can be told from the others.
func (c *checker) auth(path string, in loop.Input) {
	c.oneOf(path+".auth", in.Auth, loop.AuthIAM, loop.AuthHMAC, loop.AuthGitHub, loop.AuthBearer)
	if in.Auth != loop.AuthIAM && len(in.Credentials) == 0 {
		c.fail(path, "add credentials: [{secrets: [ssm:/…], sources: [shop/]}]", "credentials are required: nobody could send")
	}
	seen := map[string]bool{}
	for i, cred := range in.Credentials {
		at := fmt.Sprintf("%s.credentials[%d]", path, i)
		if in.Auth == loop.AuthIAM {
			if !principalARN().MatchString(cred.Principal) {
				c.fail(at, "such as principal: arn:aws:iam::123456789012:role/shop", "principal must be the ARN of a role or a user")
			}
			if len(cred.Secrets) > 0 {
				c.fail(at+".secrets", "", "auth iam has no secrets")
			}
		} else {
			c.secrets(at, cred)
		}
		for _, one := range append([]string{cred.Principal}, cred.Secrets...) {
			if one != "" && seen[one] {
				c.fail(at, "", "%s stands in two credentials", one)
			}
			seen[one] = true
		}
		if len(cred.Sources) == 0 && in.Source == "" {
			c.fail(at, "add sources: [shop/], the prefixes of what it may speak for", "sources is required")
		}
		c.sources(at+".sources", cred.Sources)
	}
}

func (c *checker) secrets(path string, cred loop.Credential) {
	if cred.Principal != "" {
		c.fail(path+".principal", "", "only auth iam has principals")
	}
	if n := len(cred.Secrets); n == 0 || n > maxSecrets {
		c.fail(path, "two while one replaces the other", "secrets must name one or two, not %d", n)
	}
	for _, ref := range cred.Secrets {
		if !patterns().secret.MatchString(ref) {
			c.fail(path+".secrets", "such as ssm:/unbroken/shop", "must name a parameter, never hold the secret itself")
		}
	}
}

func (c *checker) sources(path string, prefixes []string) {
	for _, p := range prefixes {
		if p == "" || strings.HasPrefix(strings.ToLower(p), loop.OwnSourcePrefix) {
			c.fail(path, "such as shop/", "%q is not a prefix that anybody may speak for", p)
		}
	}
}
