package rule

import (
	"fmt"
	"math"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// decoder reads the tree of a file into Go values, notes every problem it meets, and goes on. It remembers where
// each path stands, so that the checks that follow can say so too.
type decoder struct {
	problems []Problem
	places   map[string]place
	given    map[string][]string // by an action's path: the fields of its target that it has
	types    map[string]any      // by the type of signals: the JSON schema of their data
}

// fail notes a problem with the value at path.
func (d *decoder) fail(path, hint, format string, args ...any) {
	at, ok := d.places[path]
	for p := path; !ok && p != ""; {
		p = parentPath(p)
		at, ok = d.places[p]
	}
	d.failAt(at, path, hint, format, args...)
}

func (d *decoder) failAt(at place, path, hint, format string, args ...any) {
	if len(d.problems) >= maxFileProblem {
		return
	}
	d.problems = append(d.problems, Problem{at.line, at.column, path, fmt.Sprintf(format, args...), hint})
}

func parentPath(p string) string {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] == '.' || p[i] == '[' {
			return p[:i]
		}
	}
	return ""
}

// entries calls visit for each entry of a map, in the order of the file.
func (d *decoder) entries(n ast.Node, path string, visit func(name string, value ast.Node, path string)) {
	d.places[path] = position(n)
	if null(n) {
		return
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		d.fail(path, "", "must be a map, not %s", kind(n))
		return
	}
	seen := map[string]place{}
	for it := m.MapRange(); it.Next(); {
		name, at := it.Key().GetToken().Value, position(it.Key())
		child := name
		if path != "" {
			child = path + "." + name
		}
		if first, again := seen[name]; again {
			d.failAt(at, child, "", "given twice, first in line %d", first.line)
			continue
		}
		seen[name] = at
		d.places[child] = at
		visit(name, it.Value(), child)
	}
}

// fields reads a map whose keys are known.
func (d *decoder) fields(n ast.Node, path string, known map[string]func(n ast.Node, path string)) {
	d.entries(n, path, func(name string, value ast.Node, child string) {
		read, ok := known[name]
		if !ok {
			d.fail(child, suggest(name, known), "unknown field")
			return
		}
		if null(value) {
			return // `when:` with nothing behind it is as good as absent
		}
		at := position(value)
		d.places[child] = at
		read(value, child)
	})
}

// list calls visit for each element.
func (d *decoder) list(n ast.Node, path string, visit func(n ast.Node, path string)) {
	d.places[path] = position(n)
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(path, "write it as a list", "must be a list, not %s", kind(n))
		return
	}
	for i, v := range s.Values {
		child := path + "[" + strconv.Itoa(i) + "]"
		d.places[child] = position(v)
		visit(v, child)
	}
}

// text reads a string. Numbers and booleans are refused rather than converted: `level: 1e3` would become 1000.
func (d *decoder) text(into *string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		switch v := n.(type) {
		case *ast.StringNode:
			*into = v.Value
		case *ast.LiteralNode:
			*into = v.Value.Value
		default:
			d.fail(path, "put it in quotes", "must be text, not %s", kind(n))
		}
	}
}

func (d *decoder) flag(into *bool) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.fail(path, "", "must be true or false, not %s", kind(n))
			return
		}
		*into = b.Value
	}
}

func (d *decoder) texts(into *[]string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		d.list(n, path, func(n ast.Node, path string) {
			var s string
			d.text(&s)(n, path)
			*into = append(*into, s)
		})
	}
}

func (d *decoder) duration(into *loop.Duration) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		v, err := loop.ParseDuration(n.GetToken().Value)
		if err != nil {
			d.fail(path, "", "%s", err)
			return
		}
		*into = v
	}
}

func (d *decoder) integer(into *int) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		if v, ok := n.(*ast.IntegerNode); ok {
			switch i := v.Value.(type) {
			case int64:
				*into = int(i)
				return
			case uint64:
				if i <= math.MaxInt32 {
					*into = int(i)
					return
				}
			}
		}
		d.fail(path, "", "must be a whole number, not %s", kind(n))
	}
}

// value reads anything JSON can say. Numbers become doubles, which is what they are once they have been in a
// bundle; a whole number that a double cannot hold is refused.
func (d *decoder) value(n ast.Node, path string) any {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.BoolNode:
		return v.Value
	case *ast.NullNode, nil:
		return nil
	case *ast.FloatNode:
		return v.Value
	case *ast.IntegerNode:
		const exact = 1 << 53
		switch i := v.Value.(type) {
		case int64:
			if -exact <= i && i <= exact {
				return float64(i)
			}
		case uint64:
			if i <= exact {
				return float64(i)
			}
		}
		d.fail(path, "put it in quotes", "a number beyond 2^53 is not exact")
		return nil
	case *ast.SequenceNode:
		list := []any{}
		d.list(n, path, func(n ast.Node, path string) { list = append(list, d.value(n, path)) })
		return list
	case ast.MapNode:
		m := map[string]any{}
		d.entries(n, path, func(name string, n ast.Node, path string) { m[name] = d.value(n, path) })
		return m
	}
	d.fail(path, "", "must be a JSON value, not %s", kind(n))
	return nil
}

func null(n ast.Node) bool {
	_, ok := n.(*ast.NullNode)
	return ok || n == nil
}

// kind names what stands there, in the reader's words.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	case *ast.InfinityNode, *ast.NanNode:
		return "infinity or not-a-number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.NullNode, nil:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a map"
	}
	return "this"
}
