package rule

import (
	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// known names the fields of one map of the file and how to read each.
type known = map[string]func(ast.Node, string)

func (d *decoder) config(n ast.Node) *loop.Config {
	c := &loop.Config{Inputs: map[string]loop.Input{}, Actions: map[string]loop.Action{}}
	c.Health.Bounds = loop.DefaultBounds() // where the file says something, it replaces them
	d.fields(n, "", known{
		"prefix":        d.text(&c.Prefix),
		"standby_delay": d.duration(&c.StandbyDelay),
		"claim":         d.duration(&c.Claim),
		"egress_allow":  d.texts(&c.EgressAllow),
		"regions": func(n ast.Node, path string) {
			d.fields(n, path, known{"loop": d.texts(&c.Regions.Loop), "witness": d.text(&c.Regions.Witness)})
		},
		"inputs": func(n ast.Node, path string) {
			d.entries(n, path, func(name string, n ast.Node, path string) { c.Inputs[name] = d.input(n, path) })
		},
		"health": d.health(&c.Health),
		"dns":    d.dns(&c.DNS),
		"types": func(n ast.Node, path string) {
			d.types = map[string]any{}
			d.entries(n, path, func(name string, n ast.Node, path string) { d.types[name] = d.value(n, path) })
		},
		"rules": func(n ast.Node, path string) {
			d.list(n, path, func(n ast.Node, path string) {
				switch {
				case len(c.Rules) < maxFileRules:
					c.Rules = append(c.Rules, d.rule(n, path))
				case len(c.Rules) == maxFileRules:
					d.fail(path, "", "more than %d rules", maxFileRules)
					c.Rules = append(c.Rules, loop.Rule{})
				}
			})
		},
		"actions": func(n ast.Node, path string) {
			d.entries(n, path, func(name string, n ast.Node, path string) { c.Actions[name] = d.action(n, path) })
		},
	})
	return c
}

func (d *decoder) rule(n ast.Node, path string) loop.Rule {
	r := loop.Rule{Mode: loop.ModeEnforce}
	d.fields(n, path, known{
		"id":    d.text(&r.ID),
		"when":  d.text(&r.When),
		"key":   d.text(&r.Key),
		"until": d.text(&r.Until),
		"mode":  d.text(&r.Mode),

		"throttle": d.span(&r.Throttle, "none"),
		"guard":    d.guard(&r.Guard),
		"verify":   d.verify(&r.Verify),

		"inhibited_by": d.inhibitors(&r.InhibitedBy),
		"group":        d.group(&r.Group),
		"match": func(n ast.Node, path string) {
			r.Match = map[string][]any{}
			d.match(n, path, "", r.Match, 0)
		},
		"window": func(n ast.Node, path string) { r.Window = d.window(n, path) },
		"do":     d.steps(&r.Do),
		"undo":   d.steps(&r.Undo),
	})
	return r
}

// match reads a pattern; nested maps become dotted names.
func (d *decoder) match(n ast.Node, path, prefix string, into map[string][]any, depth int) {
	d.entries(n, path, func(name string, n ast.Node, path string) {
		name = prefix + name
		if _, nested := n.(ast.MapNode); nested && depth < maxPatternDepth {
			d.match(n, path, name+".", into, depth+1)
			return
		}
		if _, isList := n.(*ast.SequenceNode); !isList {
			d.fail(path, "write ["+oneLine(n.GetToken().Value)+"]", "the values of a pattern stand in a list")
			into[name] = []any{d.value(n, path)} // taken as meant, so that nothing else is said about it
			return
		}
		if _, again := into[name]; again {
			d.fail(path, "", "given twice, once dotted and once nested")
		}
		into[name], _ = d.value(n, path).([]any)
	})
}

func (d *decoder) steps(into *[]loop.Step) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.list(n, path, func(n ast.Node, path string) {
			var s loop.Step
			d.fields(n, path, known{
				"step":     d.text(&s.Step),
				"action":   d.text(&s.Action),
				"approval": d.text(&s.Approval),
				"with": func(n ast.Node, path string) {
					m, ok := d.value(n, path).(map[string]any)
					if !ok {
						d.fail(path, "", "must be a map, not %s", kind(n))
					}
					s.With = m
				},
			})
			if s.Step == "" {
				s.Step = s.Action
			}
			*into = append(*into, s)
		})
	}
}

func (d *decoder) action(n ast.Node, path string) loop.Action {
	a := loop.Action{Timeout: defaultTimeout, ExpireAfter: defaultExpireAfter}
	var class string
	all := known{
		"to":           d.text(&a.To),
		"effect":       d.text(&class),
		"url":          d.text(&a.URL),
		"method":       d.text(&a.Method),
		"secret":       d.text(&a.Secret),
		"output":       d.text(&a.Output),
		"timeout":      d.duration(&a.Timeout),
		"expire_after": d.duration(&a.ExpireAfter),
		"horizon":      d.duration(&a.Horizon),
		"fallback":     d.text(&a.Fallback),

		"on_claims_outage": d.text(&a.OnOutage),
		"retry": func(n ast.Node, path string) {
			a.Retry = loop.Backoff{Base: defaultRetryBase, Cap: defaultRetryCap}
			d.fields(n, path, known{"base": d.duration(&a.Retry.Base), "cap": d.duration(&a.Retry.Cap)})
		},
		"body":    func(n ast.Node, path string) { a.Body = d.value(n, path) },
		"value":   func(n ast.Node, path string) { a.Value = d.value(n, path) },
		"headers": d.textMap(&a.Headers),
	}
	d.targetFields(all, path, &a)
	d.fields(n, path, all)
	a.Effect = loop.Class(class)
	setClassDefaults(&a)
	return a
}

// targetFields adds the words of all targets to an action's fields. Which of them its own target has is checked
// when it is known; given says which there were.
func (d *decoder) targetFields(all known, path string, a *loop.Action) {
	note := func(name string, read func(ast.Node, string)) {
		all[name] = func(n ast.Node, at string) {
			d.given[path] = append(d.given[path], name)
			read(n, at)
		}
	}
	for _, name := range []string{"url", "method", "secret", "headers", "body"} {
		note(name, all[name])
	}
	for _, s := range specs() {
		for _, f := range s.fields {
			note(f.name, func(n ast.Node, path string) {
				var value string
				d.text(&value)(n, path)
				if a.Fields == nil {
					a.Fields = map[string]string{}
				}
				a.Fields[f.name] = value
			})
		}
		if s.body != "" {
			note(s.body, func(n ast.Node, path string) { a.Body = d.value(n, path) })
		}
		if s.attributes != "" {
			note(s.attributes, d.textMap(&a.Attributes))
		}
	}
}

func (d *decoder) textMap(into *map[string]string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		*into = map[string]string{}
		d.entries(n, path, func(name string, n ast.Node, path string) {
			var s string
			d.text(&s)(n, path)
			(*into)[name] = s
		})
	}
}
