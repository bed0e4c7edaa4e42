package rule

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// group reads which keys are decided together.
func (d *decoder) group(into **loop.Group) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		g := &loop.Group{}
		d.fields(n, path, known{"by": d.text(&g.By), "wait": d.duration(&g.Wait)})
		*into = g
	}
}

// grouping checks a group, and refuses what is about one key where the decision is about many.
func (c *checker) grouping(path string, r *loop.Rule) {
	if r.Group == nil {
		return
	}
	at := path + ".group"
	if r.Group.By == "" {
		c.fail(at, `add by: such as signal.data.zone, or by: "'all'" for one group of all`, "needs by: what the keys of one decision have in common")
	}
	c.span(at+".wait", r.Group.Wait)
	if w := r.Window; w != nil && w.Absent > 0 && r.Group.By != "" {
		names, err := looked(r.Group.By)
		for _, name := range names {
			if err == nil && name != "signal.subject" {
				c.fail(at+".by", "name signal.subject, which is the key", "%s is not in the timer that tells of a silence", name)
			}
		}
	}
	if len(r.Undo) > 0 {
		c.fail(path+".undo", "leave it out, or leave out group", "does not go with group: a key that closes would take back what was done for others")
	}
	if r.Verify != nil {
		c.fail(path+".verify", "leave it out, or leave out group", "does not go with group: its condition is about one key, and do about many")
	}
	if r.Guard.Worse != "" {
		c.fail(path+".guard.worse", "use guard.max_per_hour", "does not go with group: a worse signal is about one key, and do about many")
	}
	for i, by := range r.InhibitedBy {
		if by.Key != "" {
			c.fail(fmt.Sprintf("%s.inhibited_by[%d].key", path, i), "leave it out: the other rule's key must be the group's name",
				"does not go with group: what is muted is the group, not one of its signals")
		}
	}
}

// Grouped says whether the rule's decisions are about groups of keys.
func (p *Program) Grouped() bool { return p.rule.Group != nil }

// Wait is how long a group gathers. A rule that has lost its group since decides at once what was on its way there.
func (p *Program) Wait() time.Duration {
	if p.rule.Group == nil {
		return 0
	}
	return p.rule.Group.Wait.Std()
}

// Joinable is how long after its acceptance a firing may join a group: as long as an effect of its own might land.
func (p *Program) Joinable() time.Duration { return p.tries(p.rule.Do) }

// GroupOf names the group of a signal.
func (p *Program) GroupOf(ev *Event) (name string, err error) {
	defer recovered(&err)
	if err := p.compiled(ev); err != nil {
		return "", err
	}
	if name, err = p.evalText(p.group, ev, "group.by"); err != nil {
		return "", err
	}
	if len(name) > maxKeyBytes {
		return "", loop.Refuse(loop.CodeRuleFailed, "group.by: has %d bytes; at most %d are allowed", len(name), maxKeyBytes)
	}
	return name, nil
}

func groupBy(r *loop.Rule) string {
	if r.Group == nil {
		return ""
	}
	return r.Group.By
}

// Member is a key that fired, with its signal.
func (p *Program) Member(ev *Event, key string) loop.Member {
	return loop.Member{Key: key, Source: cut(ev.Source()), ID: cut(ev.ID()), Time: ev.Time()}
}

// RenderGroup makes the decision of instance n of a group. Its signal is the group's own, whose data lists the members.
func (p *Program) RenderGroup(name string, n int64, due time.Time, data loop.GroupData) (d loop.Decision, err error) {
	data.Rule = p.id
	data.Summarise()
	raw, err := loop.GroupSignal(p.id, name, n, due, data)
	if err != nil {
		return d, err
	}
	ev := NewEvent(raw, due)
	d = loop.Decision{
		ID: loop.GroupDecisionID(p.id, name, n), RuleID: p.id, Key: name, Phase: loop.PhaseDo, Episode: n, SignalKey: ev.Key(),
		Why: p.groupWhy(due, data),
	}
	d.Effects, err = p.Render(ev, RenderInput{Key: name, Phase: loop.PhaseDo, Episode: n, Group: true})
	return d, err
}

// groupWhy says what a group had gathered; its first signal is the one that people can look for.
func (p *Program) groupWhy(due time.Time, data loop.GroupData) *loop.Why {
	w := &loop.WhyGroup{Keys: data.Count, Full: data.Full, Until: due}
	for _, m := range data.Members[:min(len(data.Members), loop.MaxWhyMembers)] {
		m.Key, m.Source, m.ID = cut(m.Key), cut(m.Source), cut(m.ID)
		w.Members = append(w.Members, m)
	}
	why := &loop.Why{Bundle: p.set.hash, When: cut(p.rule.When), Group: w}
	if len(w.Members) > 0 {
		why.Source, why.ID, why.Time = w.Members[0].Source, w.Members[0].ID, w.Members[0].Time
	}
	return why
}
