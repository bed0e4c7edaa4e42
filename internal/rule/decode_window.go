package rule

import (
	"github.com/goccy/go-yaml/ast"

	"example.com/unbroken/internal/loop"
)

// window reads a window. `avg: expr` and its like say two things at once: what is made, and of which values.
func (d *decoder) window(n ast.Node, path string) *loop.Window {
	w := &loop.Window{Lateness: defaultLateness}
	fields := known{
		"count":       d.integer(&w.Count),
		"within":      d.duration(&w.Within),
		"for":         d.duration(&w.For),
		"over":        d.duration(&w.Over),
		"above":       d.threshold(&w.Above),
		"below":       d.threshold(&w.Below),
		"absent":      d.duration(&w.Absent),
		"lateness":    d.duration(&w.Lateness),
		"max_entries": d.integer(&w.MaxEntries),
		"all": func(n ast.Node, path string) {
			d.list(n, path, func(n ast.Node, path string) { w.All = append(w.All, d.condition(n, path)) })
		},
	}
	for _, of := range loop.Aggregates() {
		fields[of] = func(n ast.Node, path string) {
			w.Of = of
			d.text(&w.Value)(n, path)
		}
	}
	for name, read := range fields {
		fields[name] = func(n ast.Node, at string) {
			d.given[path] = append(d.given[path], name)
			read(n, at)
		}
	}
	d.fields(n, path, fields)
	return w
}

func (d *decoder) condition(n ast.Node, path string) (c loop.Condition) {
	d.fields(n, path, known{
		"name": d.text(&c.Name),
		"when": d.text(&c.When),
		"match": func(n ast.Node, path string) {
			c.Match = map[string][]any{}
			d.match(n, path, "", c.Match, 0)
		},
	})
	return c
}

// threshold reads a number, which may be 0: that is not the same as none.
func (d *decoder) threshold(into **float64) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		v, ok := d.value(n, path).(float64)
		if !ok {
			d.fail(path, "", "must be a number, not %s", kind(n))
		}
		*into = &v
	}
}
