package rule

import (
	"fmt"

	"example.com/unbroken/internal/loop"
)

// warnWindow warns of windows that will open always, or never.
func warnWindow(path string, r loop.Rule, warn func(path, hint, format string, args ...any)) {
	w := r.Window
	if w == nil {
		return
	}
	if w.For > 0 && r.When == "" {
		warn(path+".window.for", "add when: what must hold", "every signal is a hit: it opens whenever a key has been heard of for %s", w.For)
	}
	if (w.For > 0 || w.Count > 0) && r.When != "" && r.When == r.Until {
		warn(path+".until", "leave it out, or write what ends it", "the same as when: a signal that clears is no hit, so it never opens")
	}
	taken, err := compilePattern(r.Match)
	if err != nil {
		return
	}
	for i, condition := range w.All {
		for _, typ := range condition.Match["type"] {
			if t, exact := typ.(string); exact && !taken.takesType(t) {
				warn(fmt.Sprintf("%s.window.all[%d].match.type", path, i), "add it to the rule's match, or leave that out",
					"the rule's match takes no signal of type %s", t)
			}
		}
	}
}

// takesType says whether signals of a type can match.
func (p *pattern) takesType(typ string) bool {
	for _, m := range p.types {
		if t, exact := m.(exactString); exact && string(t) == typ {
			return true
		}
	}
	return p.matchesPrefix(typ)
}
