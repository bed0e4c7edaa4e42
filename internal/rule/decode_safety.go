package rule

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// Bounds of what act keeps per rule: a budget is a set of effects' ids in one item, and a throttle outlives its
// decisions.
const (
	maxPerHour  = 1000
	maxThrottle = loop.Duration(7 * 24 * time.Hour)

	defaultRegression = loop.Duration(10 * time.Minute)
)

// guard reads what keeps a rule within bounds.
func (d *decoder) guard(into *loop.Guard) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.fields(n, path, known{
			"max_per_hour":    d.count(&into.MaxPerHour, maxPerHour),
			"max_regressions": d.count(&into.MaxRegressions, maxPerHour),
			"worse":           d.text(&into.Worse),
			"within":          d.span(&into.Within, "10m"),
		})
		if into.MaxRegressions > 0 && into.Within == 0 {
			into.Within = defaultRegression
		}
	}
}

// count reads a whole number from 1 on. A zero must not read as none given: that would be the opposite of it.
func (d *decoder) count(into *int, most int) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		before := len(d.problems)
		if d.integer(into)(n, path); len(d.problems) == before && (*into < 1 || *into > most) {
			d.fail(path, "leave it out for no bound", "must be from 1 to %d", most)
		}
	}
}

// span reads a duration that is not zero.
func (d *decoder) span(into *loop.Duration, absent string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		before := len(d.problems)
		if d.duration(into)(n, path); len(d.problems) == before && (*into <= 0 || *into > maxThrottle) {
			d.fail(path, "such as 10m; leave it out for "+absent, "must be more than 0, and at most 7d")
		}
	}
}

// safety checks what keeps a rule within bounds.
func (c *checker) safety(path string, r *loop.Rule) {
	for _, phase := range phasesOf(*r) {
		for i, s := range phase.steps {
			if s.Approval != "" && phase.phase != loop.PhaseUndo {
				c.oneOf(fmt.Sprintf("%s.%s[%d].approval", path, phase.field, i), s.Approval, loop.ApprovalRequired)
			}
		}
	}
	for i, s := range r.Undo {
		if s.Approval != "" {
			c.fail(fmt.Sprintf("%s.undo[%d].approval", path, i), "leave it out", "belongs to a step of do: what takes back what was approved waits for nobody")
		}
	}
	switch g := r.Guard; {
	case g.MaxRegressions > 0 && g.Worse == "":
		c.fail(path+".guard.max_regressions", "add worse: such as signal.data.error_rate > 0.5", "needs worse: a condition on the signals that count against the rule")
	case g.MaxRegressions == 0 && g.Worse != "":
		c.fail(path+".guard.worse", "add max_regressions: how many there may be a day", "counts for max_regressions only")
	case g.MaxRegressions == 0 && g.Within != 0:
		c.fail(path+".guard.within", "add max_regressions and worse", "counts for max_regressions only")
	}
	if most := r.Guard.MaxPerHour; most > 0 && most < len(r.Do) {
		c.fail(path+".guard.max_per_hour", "it counts effects: one for each step of do", "%d is not enough for one do, which has %d steps", most, len(r.Do))
	}
}
