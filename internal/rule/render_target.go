package rule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
)

// compileTarget compiles what a target's spec asks for: the resource, the parameters and the body.
func (a *action) compileTarget(s *spec, note func(string, error)) {
	a.spec, a.url = s, &template{field: "resource"}
	inResource := map[string]bool{}
	for _, p := range s.places() {
		if !p.isExpr {
			a.url.text(p.source)
			continue
		}
		inResource[p.source] = true
		note(p.source, a.url.addText(a.config.Fields[p.source], scopeAction, formName))
	}
	for _, f := range s.fields {
		value, given := a.config.Fields[f.name]
		if !given {
			value = f.fallback
		}
		if value == "" || inResource[f.name] {
			continue
		}
		t, err := textTemplate(f.name, value, scopeAction)
		note(f.name, err)
		a.headers = append(a.headers, header{f.name, t})
	}
	for _, name := range sortedKeys(a.config.Attributes) {
		t, err := textTemplate(s.attributes+"."+name, a.config.Attributes[name], scopeAction)
		note(s.attributes+"."+name, err)
		a.headers = append(a.headers, header{s.prefix + name, t})
	}
	body := a.config.Body
	if body == nil {
		body = s.fallback
	}
	var err error
	if text, is := body.(string); is && s.text {
		a.body, err = textTemplate(s.body, text, scopeAction)
	} else if body != nil {
		a.body, err = jsonTemplate(s.body, body, scopeAction)
	}
	note(s.body, err)
}

// targetRequest renders the request of an action whose target has a spec.
func (a *action) targetRequest(vars *activation, effect *loop.Effect) (*loop.Request, error) {
	resource, err := a.url.renderString(vars)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(strings.Split(resource, "/"), dotSegment) {
		return nil, a.url.failed(errors.New("a template made a segment of it . or .., which names another resource"))
	}
	params, err := a.params(vars)
	if err != nil {
		return nil, err
	}
	var body string
	switch {
	case a.body != nil:
		body, err = a.body.renderString(vars)
	case a.spec.holds:
		body = vars.with.raw
	case a.spec.body != "":
		body = defaultBody(vars, effect)
	}
	if err != nil {
		return nil, err
	}
	if a.spec.preset != nil {
		effect.Target = loop.TargetWebhook
		return a.spec.preset(a.config, vars, effect, params, body), nil
	}
	if effect.Class == loop.ClassKeyed && a.config.To != loop.TargetStepFunctions {
		params["group"] = groupOf(params["group"], effect.Key)
	}
	return &loop.Request{Method: a.spec.method, URL: resource, Headers: params, Body: body}, nil
}

// params renders what goes into the request's headers.
func (a *action) params(vars *activation) (map[string]string, error) {
	params := make(map[string]string, len(a.headers))
	for _, h := range a.headers {
		v, err := h.value.renderString(vars)
		if err != nil {
			return nil, err
		}
		if !headerValue(v) {
			return nil, h.value.failed(errors.New("must not hold a line break or another control character"))
		}
		if v != "" {
			params[h.name] = v
		}
	}
	return params, nil
}

// checkSize bounds a rendered request.
func checkSize(r *loop.Request) error {
	size := len(r.URL) + len(r.Body)
	for name, value := range r.Headers {
		size += len(name) + len(value)
	}
	if size > loop.MaxRequestBytes {
		return loop.Refuse(loop.CodeTooLarge, "the request has %d bytes; at most %d are allowed", size, loop.MaxRequestBytes)
	}
	return nil
}

var groupForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[!-~]{1,128}$`) })

// groupOf is the message group of a FIFO queue or topic: by default the key, so that what is about one thing stays
// in order. What AWS would not take as a group is hashed, which keeps it apart from all others.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagegroupid-property.html
func groupOf(group, key string) string {
	if group == "" {
		group = key
	}
	if !groupForm().MatchString(group) {
		return loop.KeyHash(group)
	}
	return group
}

// pattern is the resource of an action in a rule, with * for what a template fills in.
func (s *spec) pattern(rule string, a loop.Action) string {
	var b strings.Builder
	region := a.Fields["region"]
	if region == loop.OwnRegion {
		region = "*"
	}
	fmt.Fprintf(&b, "%s %s ", a.To, region)
	for _, p := range s.places() {
		if !p.isExpr {
			b.WriteString(p.source)
			continue
		}
		pieces, _ := split(a.Fields[p.source]) // a template that cannot be split is reported elsewhere
		for _, p := range pieces {
			switch {
			case !p.isExpr:
				b.WriteString(p.source)
			case p.source == "rule":
				b.WriteString(rule)
			default:
				b.WriteString("*")
			}
		}
	}
	return b.String()
}

// Wildcards is a template as IAM matches what it may become: * for each expression. What IAM reads into a name
// otherwise is refused where such names are checked.
func Wildcards(text string) string {
	pieces, _ := split(text) // a Config that was checked holds none that fails
	var b strings.Builder
	for _, p := range pieces {
		if p.isExpr {
			b.WriteString("*")
		} else {
			b.WriteString(p.source)
		}
	}
	return b.String()
}
