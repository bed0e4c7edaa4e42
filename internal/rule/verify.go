package rule

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// verify reads what must come true once a do is done.
func (d *decoder) verify(into **loop.Verify) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		v := &loop.Verify{}
		d.fields(n, path, known{
			"when":   d.text(&v.When),
			"within": d.duration(&v.Within),
			"else":   d.steps(&v.Else),
		})
		*into = v
	}
}

func (c *checker) verify(path string, r *loop.Rule) {
	v := r.Verify
	if v == nil {
		return
	}
	if v.When == "" {
		c.fail(path, "add when: such as signal.data.error_rate < 0.02", "needs when: the condition that shows that do has worked")
	}
	c.span(path+".within", v.Within)
	if len(v.Else) == 0 {
		c.fail(path, "add else: [{action: …}]", "needs else: what is done if the condition does not come true in time")
	}
	if r.Key == "" {
		c.fail(path, "add key: such as signal.subject", "a rule with verify needs a key: it tells which signals speak for which do")
	}
}

// Verifies says whether the rule looks whether what it did has worked. One that does nothing has nothing to look for.
func (p *Program) Verifies() bool { return p.rule.Verify != nil && p.rule.Mode == loop.ModeEnforce }

// Worked says whether the signal shows that what the rule did has worked.
func (p *Program) Worked(ev *Event) (holds bool, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return false, err
	}
	holds, err = p.verify.evalBool(ev.conditions(p.id))
	return holds, inField("verify.when", err)
}

// Overdue is how long after its time a verification still counts: nothing of `else` is sent any later, and the second
// region's timer comes a standby delay after the first one's.
func (p *Program) Overdue() time.Duration {
	return 2*p.set.settle.Std() + p.tries(p.rule.Verify.Else)
}

// Remembered is how long a proof is kept. It may be accepted as soon as its do, which may be done only when all
// attempts at it, and at its fallback, are nearly over; and it may be looked for as long as the verification counts.
func (p *Program) Remembered() time.Duration {
	return p.tries(p.rule.Do) + p.rule.Verify.Within.Std() + p.Overdue()
}

// tries is how long after its acceptance one of the steps may still be done.
func (p *Program) tries(steps []loop.Step) (longest time.Duration) {
	for _, s := range steps {
		a := p.set.actions[s.Action].config
		whole := a.ExpireAfter.Std()
		if a.Fallback != "" { // its time runs from when the first one was given up
			whole += p.set.actions[a.Fallback].config.ExpireAfter.Std()
		}
		longest = max(longest, whole)
	}
	return longest
}

// Missed says why else is done.
func (p *Program) Missed(v loop.VerifyData) *loop.Why {
	why := loop.Why{Bundle: p.set.hash}
	if v.Why != nil {
		why = *v.Why
	}
	why.Missed = &loop.WhyMissed{When: cut(p.rule.Verify.When), Until: v.Until}
	return &why
}

// verification renders what is done else with the signal that do is rendered with.
func (p *Program) verification(ev *Event, in RenderInput) (*loop.Verification, error) {
	in.Phase = loop.PhaseElse
	effects, err := p.Render(ev, in)
	if err != nil {
		return nil, err
	}
	return &loop.Verification{Within: p.rule.Verify.Within, Settle: p.set.settle, After: ev.Time(), Else: effects}, nil
}

func (p *Program) verifySource() string {
	if p.rule.Verify == nil {
		return ""
	}
	return p.rule.Verify.When
}
