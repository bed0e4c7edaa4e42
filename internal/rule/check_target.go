package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
)

// target checks an action's fields against what its target asks for.
func (c *checker) target(path string, a loop.Action) {
	s, ok := specs()[a.To]
	if !ok {
		if a.To == "" {
			c.fail(path, suggest("", specs()), "to is required")
		} else {
			c.fail(path+".to", suggest(a.To, specs()), "unknown value %q", a.To)
		}
		return
	}
	names := s.names()
	for _, name := range c.given[path] {
		if !names[name] {
			c.fail(path+"."+name, cmp.Or(suggest(name, names), "leave it out"), "is not a field of %s", a.To)
		}
	}
	for _, f := range s.fields {
		value := a.Fields[f.name]
		at := path + "." + f.name
		switch pieces, err := split(value); {
		case value == "" && f.optional:
		case value == "":
			c.fail(path, "add "+f.name+": "+f.example, "%s is required", f.name)
		case err != nil: // the compilation says so
		case !f.template && slices.ContainsFunc(pieces, func(p piece) bool { return p.isExpr }):
			c.fail(at, f.example, "must not come from a template")
		case f.form != nil && !f.form.MatchString(sample(pieces)):
			c.fail(at, f.example, "%q is not what %s takes here", value, a.To)
		}
	}
	if c.own(a.Fields["table"]) || c.own(a.Fields["queue"][strings.LastIndexByte(a.Fields["queue"], ':')+1:]) {
		c.fail(path, "name a resource of yours", "writes to the loop's own state; what stands there decides what lands")
	}
	if _, has := s.field("group"); has && a.Fields["group"] != "" && a.Effect != loop.ClassKeyed {
		c.fail(path+".group", "leave it out, or name one whose name ends in .fifo", "is for FIFO only")
	}
	if body, is := a.Body.(string); is && s.body != "" && !s.text && len(body) > 0 && !strings.HasPrefix(body, "{{") {
		c.fail(path+"."+s.body, "write it as a map", "must be a JSON value, not text")
	}
}

// own says whether a name is that of a table or a queue of this deployment.
func (c *checker) own(name string) bool {
	rest, ok := strings.CutPrefix(name, c.cfg.Prefix+"-")
	queues := loop.Queues()
	for _, q := range loop.Queues() {
		queues = append(queues, loop.DeadLetter(q))
	}
	return ok && slices.Contains(append(queues, loop.TableClaims, loop.TableOutputs), rest)
}

// sample is a template's text with x for each expression.
func sample(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.isExpr {
			b.WriteString("x")
		} else {
			b.WriteString(p.source)
		}
	}
	return b.String()
}

// use is one step that writes to a resource which must belong to one (rule, key).
type use struct {
	rule, path, pattern string
}

// sharing refuses resources of fenced and set effects that two rules, two keys or two steps would write to: their
// fences have no common order, so that one would silently win over the other (DESIGN section 5).
func (c *checker) sharing() {
	var all []use
	for i := range c.cfg.Rules {
		r := &c.cfg.Rules[i]
		for _, phase := range phasesOf(*r) {
			var here []use
			for j, s := range phase.steps {
				a, s := c.cfg.Actions[s.Action], specs()[c.cfg.Actions[s.Action].To]
				if s == nil || s.resource == "" || !exclusive(a.Effect) {
					continue
				}
				u := use{r.ID, fmt.Sprintf("rules[%d].%s[%d]", i, phase.field, j), s.pattern(r.ID, a)}
				c.perKey(r, u, s, a)
				c.apart(u, here, all)
				here = append(here, u)
			}
			all = append(all, here...)
		}
	}
}

// perKey asks that every key of a rule has a resource of its own.
func (c *checker) perKey(r *loop.Rule, u use, s *spec, a loop.Action) {
	if r.Key == "" || constant(r.Key) {
		return
	}
	for _, p := range s.places() {
		pieces, _ := split(a.Fields[p.source])
		if p.isExpr && slices.ContainsFunc(pieces, func(p piece) bool { return p.isExpr && p.source == "key" }) {
			return
		}
	}
	c.fail(u.path, "put {{ key }} into the action's resource, or give the rule a constant key",
		"the rule has a key, and all its keys would write to one %s", a.To)
}

// constant says whether a CEL expression is one string literal.
func constant(expr string) bool {
	expr = strings.TrimSpace(expr)
	for _, q := range []string{"'", `"`} {
		if inner, ok := strings.CutPrefix(expr, q); ok {
			inner, ok = strings.CutSuffix(inner, q)
			return ok && !strings.ContainsAny(inner, `'"\`)
		}
	}
	return false
}

func (c *checker) apart(u use, here, before []use) {
	for _, o := range here {
		if overlap(u.pattern, o.pattern) {
			c.fail(u.path, "give each a resource of its own", "%s writes to the same resource in the same decision", o.path)
			return
		}
	}
	for _, o := range before {
		if o.rule != u.rule && overlap(u.pattern, o.pattern) {
			c.fail(u.path, "put {{ rule }} into the action's resource, or give each rule an action of its own",
				"rule %s (%s) may write to the same resource, and their order is not defined", o.rule, o.path)
			return
		}
	}
}

// overlap says whether some text matches both patterns, in which * is any text.
func overlap(a, b string) bool {
	can := make([]bool, len(b)+1) // can[j]: the rests of a and b from j on overlap
	for i := len(a); i >= 0; i-- {
		next := slices.Clone(can)
		for j := len(b); j >= 0; j-- {
			switch {
			case i == len(a) && j == len(b):
				can[j] = true
			case i < len(a) && a[i] == '*':
				can[j] = next[j] || j < len(b) && can[j+1]
			case j < len(b) && b[j] == '*':
				can[j] = can[j+1] || i < len(a) && next[j]
			default:
				can[j] = i < len(a) && j < len(b) && a[i] == b[j] && next[j+1]
			}
		}
	}
	return can[0]
}
