package rule

import (
	"fmt"
	"slices"
	"strings"
)

// suggest is the hint for a name that is not known: the nearest one if it is near, or all of them.
func suggest[V any](name string, known map[string]V) string {
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	best, distance := "", 1+max(1, len(name)/3)
	for _, k := range names {
		if n := edits(strings.ToLower(name), k, distance); n < distance {
			best, distance = k, n
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	const most = 16
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return "known: " + strings.Join(names, ", ")
}

// edits counts insertions, deletions, replacements and swaps of neighbours between a and b, up to limit.
func edits(a, b string, limit int) int {
	if abs := len(a) - len(b); abs >= limit || -abs >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
