package rule

import (
	"fmt"

	"example.com/unbroken/internal/loop"
)

// rules checks each rule by itself and their ids together.
func (c *checker) rules() {
	first := map[string]int{}
	for i := range c.cfg.Rules {
		r := &c.cfg.Rules[i]
		path := fmt.Sprintf("rules[%d]", i)
		switch j, again := first[r.ID]; {
		case r.ID == "":
			c.fail(path, "add id: a name of its own", "id is required")
		case !patterns().id.MatchString(r.ID):
			c.fail(path+".id", idHint, "%q is not a name", r.ID)
		case again:
			c.fail(path+".id", "", "%q is rules[%d]'s id already", r.ID, j)
		default:
			first[r.ID] = i
		}
		c.oneOf(path+".mode", r.Mode, loop.ModeEnforce, loop.ModeShadow, loop.ModeOff)
		c.shape(path, r)
		c.safety(path, r)
		c.verify(path+".verify", r)
		c.grouping(path, r)
		c.unclaimed(path, r)
		for _, phase := range phasesOf(*r) {
			c.steps(path+"."+phase.field, phase.steps)
		}
		c.compiles(path, r)
		c.typed(path, r)
	}
	c.inhibition()
}

// shape checks which parts of a rule go together.
func (c *checker) shape(path string, r *loop.Rule) {
	if r.Window == nil {
		if r.Until != "" {
			c.fail(path+".until", "add window: {count: 1, within: 5m}", "closes an episode, and only a rule with a window has episodes")
		}
		if len(r.Undo) > 0 {
			c.fail(path+".undo", "add window: {count: 1, within: 5m}", "is what closing an episode does, and only a rule with a window has episodes")
		}
	} else {
		c.window(path+".window", r)
	}
	if len(r.Do) == 0 {
		c.fail(path, "add do: [{action: …}]", "do is required: a rule must do something")
	}
}

func (c *checker) steps(path string, steps []loop.Step) {
	seen := map[string]bool{}
	for i, s := range steps {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch _, ok := c.cfg.Actions[s.Action]; {
		case s.Action == "":
			c.fail(at, suggest("", c.cfg.Actions), "action is required")
			continue
		case !ok:
			c.fail(at+".action", suggest(s.Action, c.cfg.Actions), "no action is named %q", s.Action)
		}
		switch {
		case !patterns().id.MatchString(s.Step):
			c.fail(at+".step", idHint, "%q is not a name", s.Step)
		case seen[s.Step]:
			c.fail(at+".step", "give each a step of its own", "%q is a step here already", s.Step)
		}
		seen[s.Step] = true
	}
}

// compiles compiles the rule's pattern, expressions and the templates of its steps. Rules that are off are
// checked too: switching one on must not be what breaks.
func (c *checker) compiles(path string, r *loop.Rule) {
	if _, err := compilePattern(r.Match); err != nil {
		at := path + ".match"
		if r.Match == nil {
			at = path
		}
		c.report(at, unjoin(err))
	}
	p := newProgram(*r, nil, &Set{})
	c.report(path, p.compileConditions())
	sources := map[string]string{"when": r.When, "until": r.Until, "key": r.Key, "guard.worse": r.Guard.Worse, "group.by": groupBy(r)}
	for i, by := range r.InhibitedBy {
		sources[fmt.Sprintf("inhibited_by[%d].key", i)] = by.Key
	}
	if r.Verify != nil {
		sources["verify.when"] = r.Verify.When
	}
	if w := r.Window; w != nil {
		sources["window."+w.Of] = w.Value
		for i, condition := range w.All {
			sources[fmt.Sprintf("window.all[%d].when", i)] = condition.When
		}
	}
	for field, source := range sources {
		if source != "" {
			if err := estimate(source); err != nil {
				c.fail(path+"."+field, "", "%s", err)
			}
		}
	}
	for _, phase := range phasesOf(*r) {
		for i, s := range phase.steps {
			if _, err := jsonTemplate("with", any(s.With), scopeStep); err != nil {
				c.fail(fmt.Sprintf("%s.%s[%d].with", path, phase.field, i), "", "%s", err)
			}
		}
	}
}

// unjoin takes errors.Join's work apart again.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
