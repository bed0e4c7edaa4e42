package rule

import (
	"encoding/json"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"

	"example.com/unbroken/internal/loop"
)

// What `types` of a loop.yaml declares is for checking rules: where a rule asks for signals of declared types by name, its
// expressions, those of its steps and those of the actions of these are checked against the schema of each.

// declaredTypes checks the schemas themselves, where the program can.
func (c *checker) declaredTypes() {
	if c.schemas == nil {
		return
	}
	for _, name := range sortedKeys(c.types) {
		raw, err := json.Marshal(c.types[name])
		if err != nil {
			c.fail("types."+name, "", "%s", err)
			continue
		}
		c.isSchema("types."+name, raw)
	}
}

// asked is one expression of a rule, and which signals it is asked about.
type asked struct {
	path, source string
	want         *cel.Type // nil: any
	match        map[string][]any
	own          string // the type of the loop's own signal that it is asked about instead; "" for none
}

func (c *checker) typed(path string, r *loop.Rule) {
	for _, a := range c.asks(path, r) {
		if a.own != "" {
			c.fits(a, a.own, ownTypes[a.own])
			continue
		}
		for _, v := range a.match["type"] {
			name, _ := v.(string)
			if schema, declared := c.types[name]; declared {
				c.fits(a, name, schema)
			}
		}
	}
}

// fits checks one expression against one type of signal.
func (c *checker) fits(a asked, name string, schema any) {
	shape, env, err := newShape(schema)
	if err != nil {
		c.fail(a.path, "", "%s", err)
		return
	}
	checked, issues := check(env, a.source)
	for i, u := range shape.unknown {
		if !slices.Contains(shape.unknown[:i], u) {
			c.fail(a.path, shape.hint(u), "%s.%s is not in the type %s", u.object, u.name, name)
		}
	}
	for _, text := range complaints(issues) {
		c.fail(a.path, "", "of the type %s: %s", name, text)
	}
	if issues.Err() != nil || a.want == nil {
		return
	}
	if out := checked.OutputType(); out != cel.DynType && !fits(out, a.want) {
		c.fail(a.path, "", "of the type %s: the expression gives %s; it must give %s", name, out, a.want)
	}
}

// asks are all expressions of a rule that read its signals.
func (c *checker) asks(path string, r *loop.Rule) (all []asked) {
	add := func(field, source string, want *cel.Type, match map[string][]any) {
		if source != "" {
			all = append(all, asked{path: path + "." + field, source: source, want: want, match: match})
		}
	}
	add("when", r.When, cel.BoolType, r.Match)
	add("until", r.Until, cel.BoolType, r.Match)
	add("key", r.Key, nil, r.Match)
	add("guard.worse", r.Guard.Worse, cel.BoolType, r.Match)
	add("group.by", groupBy(r), nil, r.Match)
	if w := r.Window; w != nil {
		add("window."+w.Of, w.Value, anyNumber, r.Match)
		for i, condition := range w.All {
			add(fmt.Sprintf("window.all[%d].when", i), condition.When, cel.BoolType, condition.Match)
		}
	}
	for _, phase := range phasesOf(*r) {
		from := len(all)
		for i, s := range phase.steps {
			at := fmt.Sprintf("%s[%d]", phase.field, i)
			for _, source := range templated(s.With) {
				add(at+".with", source, nil, r.Match)
			}
			for _, source := range templated(c.cfg.Actions[s.Action]) {
				add(at+".action", source, nil, r.Match)
			}
		}
		own := renderedWith(r, phase.phase)
		for i := range all[from:] {
			all[from+i].own = own
		}
	}
	return all
}

// renderedWith is the type of the loop's own signal that the steps of a phase are rendered with; "" where that is the
// signal which the rule matched.
func renderedWith(r *loop.Rule, phase loop.Phase) string {
	switch {
	case phase == loop.PhaseDo && r.Group != nil:
		return loop.TimerGroup
	case phase != loop.PhaseUndo && r.Window != nil && r.Window.Absent > 0: // what is done else is rendered with do
		return loop.TimerAbsent
	}
	return ""
}

// ownTypes are the schemas of the loop's own signals that effects are rendered with: loop.GroupData and loop.AbsentData.
var ownTypes = map[string]any{
	loop.TimerAbsent: objectOf(map[string]any{"rule": kindOf("string"), "since": kindOf("string")}),
	loop.TimerGroup: objectOf(map[string]any{
		"rule": kindOf("string"), "summary": kindOf("string"), "count": kindOf("number"), "more": kindOf("number"), "full": kindOf("boolean"),
		"members": map[string]any{"type": "array", "items": objectOf(map[string]any{
			"key": kindOf("string"), "source": kindOf("string"), "id": kindOf("string"), "time": kindOf("string"),
		})},
	}),
}

func kindOf(name string) map[string]any { return map[string]any{"type": name} }

func objectOf(properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": properties}
}

// templated finds the expressions of the templates in v, wherever they stand, each once. What is wrong with a template
// itself has been told.
func templated(v any) (sources []string) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return nil
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			pieces, _ := split(v)
			for _, p := range pieces {
				if p.isExpr && !slices.Contains(sources, p.source) {
					sources = append(sources, p.source)
				}
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, name := range sortedKeys(v) {
				walk(v[name])
			}
		}
	}
	walk(tree)
	return sources
}
