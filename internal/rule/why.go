package rule

import (
	"strings"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// Why says what the rule looked at in a signal that it decides on. It asks no CEL: the parts of the signal that the
// rule's expressions name are known after the first time, and are read where they stand.
func (p *Program) Why(ev *Event) *loop.Why {
	p.looks.Do(p.findLooks)
	why := &loop.Why{
		Bundle: p.set.hash, Source: cut(ev.Source()), ID: cut(ev.ID()), Time: ev.Time(), When: cut(p.rule.When),
	}
	if len(p.lookAt) == 0 {
		return why
	}
	why.Values = make([]loop.Value, 0, len(p.lookAt))
	for i := range p.lookAt {
		l := &p.lookAt[i]
		got := ev.attribute(l.path[0])
		for _, name := range l.path[1:] {
			if !got.IsObject() {
				got.Raw = ""
				break
			}
			got = member(got.Raw, name)
		}
		if got.Raw != "" {
			why.Values = append(why.Values, loop.Value{Name: l.name, Value: cut(got.Raw)})
		}
	}
	return why
}

// look is a part of the signal.
type look struct {
	name string // signal.data.error_rate
	path []string
}

// findLooks lists what the rule's conditions name. An expression that cannot be parsed was refused long before.
func (p *Program) findLooks() {
	expressions := []string{p.rule.When}
	if w := p.rule.Window; w != nil {
		expressions = append(expressions, w.Value)
		for _, c := range w.All {
			expressions = append(expressions, c.When)
		}
	}
	expressions = append(expressions, p.rule.Until)
	seen := map[string]bool{}
	for _, x := range expressions {
		if x == "" {
			continue
		}
		names, err := looked(x)
		if err != nil {
			continue
		}
		for _, name := range names {
			path := strings.Split(name, ".")[1:]
			if !seen[name] && len(p.lookAt) < loop.MaxWhyValues && len(path) > 0 && len(name) <= loop.MaxWhyText {
				seen[name] = true
				p.lookAt = append(p.lookAt, look{name, path})
			}
		}
	}
}

// cut bounds a text, does not end it within a character, and copies it: it outlives the bytes of the signal.
func cut(s string) string {
	if len(s) <= loop.MaxWhyText {
		return strings.Clone(s)
	}
	const more = "…"
	end := loop.MaxWhyText - len(more)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}
