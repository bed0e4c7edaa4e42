package rule

import (
	"slices"

	"example.com/unbroken/internal/loop"
)

// Hears says whether a rule that is on may match a signal of one of these types.
func Hears(cfg *loop.Config, types ...string) bool {
	return slices.ContainsFunc(cfg.Rules, func(r loop.Rule) bool {
		if r.Mode == loop.ModeOff {
			return false
		}
		patterns := []map[string][]any{r.Match}
		if r.Window != nil {
			for _, c := range r.Window.All {
				patterns = append(patterns, c.Match)
			}
		}
		return slices.ContainsFunc(patterns, func(match map[string][]any) bool {
			p, err := compilePattern(match)
			return err == nil && slices.ContainsFunc(types, p.matchesType)
		})
	})
}
