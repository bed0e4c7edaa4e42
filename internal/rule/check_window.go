package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// maxSpan bounds how far back a window looks: what it holds is stored for as long, and read again with every signal.
const maxSpan = loop.Duration(7 * 24 * time.Hour)

// windowKinds are the words that make a window what it is, each with the others that go with it.
func windowKinds() map[string][]string {
	kinds := map[string][]string{
		"count": {"within"}, "for": {}, "all": {"within"}, "absent": {},
	}
	for _, of := range loop.Aggregates() {
		kinds[of] = []string{"over", "above", "below"}
	}
	return kinds
}

// window checks that the window is of one kind and has what that kind needs.
func (c *checker) window(path string, r *loop.Rule) {
	w, kinds := r.Window, windowKinds()
	var has []string
	for _, name := range c.given[path] {
		if kinds[name] != nil {
			has = append(has, name)
		}
	}
	slices.Sort(has)
	switch len(has) {
	case 1:
	case 0:
		c.fail(path, "such as {count: 3, within: 5m} or {for: 2m}", "must say what it waits for: %s", strings.Join(sortedKeys(kinds), ", "))
		return
	default:
		c.fail(path, "write one rule for each", "%s do not go together: a window is of one kind", strings.Join(has, " and "))
		return
	}
	word := has[0]
	for _, name := range c.given[path] {
		if name != word && name != "lateness" && name != "max_entries" && !slices.Contains(kinds[word], name) {
			c.fail(path+"."+name, "leave it out", "does not go with %s", word)
		}
	}
	switch word {
	case "count":
		switch {
		case w.Count < 1:
			c.fail(path+".count", "", "must be at least 1")
		case w.Count > w.Bound():
			c.fail(path+".count", "", "is more than the window holds, %d (max_entries)", w.Bound())
		}
		c.span(path+".within", w.Within)
	case "for":
		c.span(path+".for", w.For)
	case "absent":
		c.span(path+".absent", w.Absent)
		if r.Until != "" {
			c.fail(parentPath(path)+".until", "leave it out", "does not go with window.absent, which closes when the key speaks")
		}
	case "all":
		c.span(path+".within", w.Within)
		c.conditions(path+".all", r)
	default:
		c.span(path+".over", w.Over)
		if (w.Above == nil) == (w.Below == nil) {
			c.fail(path, "such as above: 800", "%s needs one of above and below", word)
		}
	}
	if w.MaxEntries < 0 || w.MaxEntries > loop.MostEntries || w.MaxEntries == 0 && slices.Contains(c.given[path], "max_entries") {
		c.fail(path+".max_entries", "", "must be between 1 and %d", loop.MostEntries)
	}
	if w.Lateness > maxSpan {
		c.fail(path+".lateness", "", "must be at most %s", "7d")
	}
	if r.Key == "" {
		c.fail(path, "add key: such as signal.subject", "a rule with a window needs a key: it has one state per key")
	}
}

func (c *checker) span(path string, d loop.Duration) {
	switch {
	case d <= 0:
		c.fail(path, "such as 5m", "must be more than 0")
	case d > maxSpan:
		c.fail(path, "", "must be at most %s", "7d")
	}
}

// conditions checks those of an `all` window.
func (c *checker) conditions(path string, r *loop.Rule) {
	if r.When != "" {
		c.fail(parentPath(parentPath(path))+".when", "give it to a condition", "does not go with window.all, whose conditions have their own")
	}
	if n := len(r.Window.All); n < 2 || n > loop.MaxConditions {
		c.fail(path, "", "%d conditions; 2 to %d are possible", n, loop.MaxConditions)
	}
	seen := map[string]bool{}
	for i, condition := range r.Window.All {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case condition.Name == "":
			c.fail(at, "add name: a name of its own", "name is required")
		case !patterns().id.MatchString(condition.Name):
			c.fail(at+".name", idHint, "%q is not a name", condition.Name)
		case seen[condition.Name]:
			c.fail(at+".name", "give each a name of its own", "%q is a condition here already", condition.Name)
		}
		seen[condition.Name] = true
	}
}
