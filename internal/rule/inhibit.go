package rule

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// maxInhibitors bounds the rules that may mute one: act reads an episode of each before it sends.
const maxInhibitors = 4

// inhibitors reads which rules mute this one.
func (d *decoder) inhibitors(into *[]loop.Inhibitor) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.list(n, path, func(n ast.Node, path string) {
			var by loop.Inhibitor
			d.fields(n, path, known{"rule": d.text(&by.Rule), "key": d.text(&by.Key)})
			*into = append(*into, by)
		})
	}
}

// inhibition checks which rules mute which.
func (c *checker) inhibition() {
	byID := map[string]int{}
	for i, r := range c.cfg.Rules {
		byID[r.ID] = i
	}
	mutes := make([][]int, len(c.cfg.Rules)) // by rule: those that mute it
	for i, r := range c.cfg.Rules {
		path := fmt.Sprintf("rules[%d].inhibited_by", i)
		if len(r.InhibitedBy) > maxInhibitors {
			c.fail(path, "", "%d rules; at most %d may mute one", len(r.InhibitedBy), maxInhibitors)
		}
		for k, by := range r.InhibitedBy {
			at := fmt.Sprintf("%s[%d]", path, k)
			j, known := byID[by.Rule]
			switch {
			case by.Rule == "":
				c.fail(at, "add rule: the id of the rule that mutes this one", "rule is required")
			case !known:
				c.fail(at+".rule", suggest(by.Rule, byID), "no rule has the id %q", by.Rule)
			case i == j:
				c.fail(at+".rule", "name another rule; throttle keeps the dos of one rule apart", "a rule cannot mute itself")
			case !c.cfg.Rules[j].Stateful():
				c.fail(at+".rule", "give "+by.Rule+" window: {count: 1, within: 5m}", "%s has no window: only a rule with episodes fires for a time", by.Rule)
			default:
				mutes[i] = append(mutes[i], j)
			}
		}
	}
	for i, r := range c.cfg.Rules {
		chain := back(mutes, i)
		if len(chain) == 0 {
			continue
		}
		names := make([]string, len(chain))
		for k, j := range chain {
			names[k] = c.cfg.Rules[j].ID
		}
		c.fail(fmt.Sprintf("rules[%d].inhibited_by", i), "take one of them out",
			"%s is muted by rules that it mutes itself (%s): when all fire, all are silent", r.ID, strings.Join(names, ", "))
	}
}

// warnInhibition warns of rules that are named, and mute nothing.
func warnInhibition(cfg *loop.Config, warn warnFunc) {
	modes := map[string]string{}
	for _, r := range cfg.Rules {
		modes[r.ID] = r.Mode
	}
	for i, r := range cfg.Rules {
		for k, by := range r.InhibitedBy {
			if mode := modes[by.Rule]; mode != loop.ModeEnforce {
				warn(fmt.Sprintf("rules[%d].inhibited_by[%d].rule", i, k), "", "rule %s has mode %s: it mutes nothing", by.Rule, mode)
			}
		}
	}
}

// Inhibits says whether other rules are muted while this one fires. One in shadow does nothing to others either.
func (p *Program) Inhibits() bool {
	return p.set.inhibits[p.rule.ID] && p.rule.Mode == loop.ModeEnforce
}

func (p *Program) compileInhibitors() (problems []error) {
	for i, by := range p.rule.InhibitedBy {
		var x *expr
		if by.Key != "" {
			var err error
			if x, err = p.set.condition(by.Key, nil); err != nil {
				problems = append(problems, &fieldError{fmt.Sprintf("inhibited_by[%d].key", i), err})
			}
		}
		p.inhibitors = append(p.inhibitors, x)
	}
	return problems
}

// inhibitedBy says which (rule, key)s mute what is decided of the signal.
func (p *Program) inhibitedBy(ev *Event, own string) ([]loop.RuleKey, error) {
	if err := p.compiled(ev); err != nil {
		return nil, err
	}
	var all []loop.RuleKey
	for i, by := range p.rule.InhibitedBy {
		if other, on := p.set.Program(by.Rule); !on || !other.Inhibits() {
			continue // what it had open when it was switched off stays open
		}
		key := own
		if p.inhibitors[i] != nil {
			var err error
			if key, err = p.evalText(p.inhibitors[i], ev, fmt.Sprintf("inhibited_by[%d].key", i)); err != nil {
				return nil, err
			}
		}
		all = append(all, loop.RuleKey{Rule: by.Rule, Key: key})
	}
	return all, nil
}
