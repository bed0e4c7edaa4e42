package rule

import (
	"fmt"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
)

// warnFeeds warns of rules whose actions come back to them: as outcomes that the rule, or a rule behind it, matches,
// or through an API that leads into the loop. The hop count ends such a chain after a few rounds, and each
// round lands its effects.
func warnFeeds(cfg *loop.Config, warn warnFunc) {
	feeds := make([][]int, len(cfg.Rules)) // by rule: those that may match an outcome of it
	for i, from := range cfg.Rules {
		if from.Mode == loop.ModeOff {
			continue
		}
		for j, to := range cfg.Rules {
			pattern, err := compilePattern(to.Match)
			if err == nil && to.Mode != loop.ModeOff && pattern.hears(from) {
				feeds[i] = append(feeds[i], j)
			}
		}
		for _, phase := range phasesOf(from) {
			for k, s := range phase.steps {
				if leads, ok := leadsBack(cfg, s.Action); ok {
					warn(fmt.Sprintf("rules[%d].%s[%d].action", i, phase.field, k), "make sure that what it sends has a type that rule "+from.ID+" does not match",
						"%s sends into a loop, %s", s.Action, leads)
				}
			}
		}
	}
	for i, r := range cfg.Rules {
		chain := back(feeds, i)
		if chain == nil {
			continue
		}
		through := ""
		for _, j := range chain {
			through += cfg.Rules[j].ID + ", "
		}
		message := "rule %s feeds itself: it matches the outcomes of its own effects"
		if through != "" {
			message = "rule %s feeds itself: it matches outcomes of rules that match its own (" + strings.TrimSuffix(through, ", ") + ")"
		}
		warn(fmt.Sprintf("rules[%d].match", i), "add data: {rule: [{anything-but: "+r.ID+"}]}", message, r.ID)
	}
}

// hears says whether the pattern may match an outcome of one of the rule's effects. What an outcome says is known but
// for the key and the evidence; a field that is about those may match.
func (p *pattern) hears(from loop.Rule) bool {
	for _, phase := range phasesOf(from) {
		for _, s := range phase.steps {
			for _, status := range outcomeStatuses() {
				known := map[string]string{
					"source": loop.OwnSourcePrefix + "act", "data.rule": from.ID, "data.phase": string(phase.phase), "data.step": stepID(s),
					"data.action": s.Action, "data.status": string(status),
				}
				if p.matchesType(loop.OutcomeTypePrefix+string(status)) && p.mayMatch(known) {
					return true
				}
			}
		}
	}
	return false
}

func (p *pattern) mayMatch(known map[string]string) bool {
	for i := range p.fields {
		f := &p.fields[i]
		value, ok := known[strings.Join(append([]string{f.attribute}, f.path...), ".")]
		if ok && !slices.ContainsFunc(f.matchers, func(m matcher) bool { return walk(stringResult(value), nil, m) }) {
			return false
		}
	}
	return true
}

// back finds the rules on a shortest way from a rule back to it; nil where there is none, empty where it is direct.
func back(feeds [][]int, start int) []int {
	before := map[int]int{}
	queue := []int{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range feeds[at] {
			if next == start {
				way := []int{}
				for ; at != start; at = before[at] {
					way = append(way, at)
				}
				slices.Reverse(way)
				return way
			}
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// leadsBack says how an action's target leads into the loop. Its queues and tables are refused as targets; an API may
// be that of another loop, and is only warned of.
func leadsBack(cfg *loop.Config, name string) (how string, ok bool) {
	a := cfg.Actions[name]
	return "by an API that takes signals", a.To == loop.TargetWebhook && strings.Contains(a.URL, "/v1/signals/")
}
