package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with loop.yaml, for the person who wrote it.
type Problem struct {
	Line    int    // 0 where the problem has no place in the file
	Column  int    // of the value, or of the field's name where that is what is wrong
	Path    string // rules[2].when
	Message string // what is wrong
	Hint    string // what to do about it, "" where the message says enough
}

// Errors are all the problems of one file: whoever fixes a file wants them at once, not one per run.
type Errors struct {
	File     string
	Problems []Problem // by line, then column
}

// Error prints one `file:line:column: path: message (hint)` per line, the form that editors turn into links.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: ", e.File, p.Line, p.Column)
		b.WriteString(p.String())
	}
	return b.String()
}

// String is the problem without its place in a file.
func (p Problem) String() string {
	s := p.Message
	if p.Path != "" {
		s = p.Path + ": " + s
	}
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
}
