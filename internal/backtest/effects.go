package backtest

import (
	"maps"
	"slices"

	"example.com/unbroken/internal/loop"
)

// Part is one thing that an effect would land, of two renderings of it.
type Part struct {
	Name    string
	Was, Is string
}

// Parts are what two effects would land, part by part. Ids and fences are left out: of one decision they are the same.
func Parts(was, is *loop.Effect) []Part {
	parts := []Part{
		{"step", was.Step, is.Step},
		{"action", was.Action, is.Action},
		{"target", was.Target, is.Target},
		{"class", string(was.Class), string(is.Class)},
	}
	a, b := requestOf(was), requestOf(is)
	parts = append(parts, Part{"method", a.Method, b.Method}, Part{"url", a.URL, b.URL}, Part{"secret", a.Secret, b.Secret})
	if len(a.Headers)+len(b.Headers) > 0 {
		names := maps.Clone(a.Headers)
		if names == nil {
			names = map[string]string{}
		}
		maps.Copy(names, b.Headers)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			parts = append(parts, Part{"header " + name, a.Headers[name], b.Headers[name]})
		}
	}
	parts = append(parts, Part{"body", a.Body, b.Body})
	o, p := outputOf(was), outputOf(is)
	return append(parts, Part{"output", o.Key, p.Key}, Part{"value", string(o.Value), string(p.Value)})
}

// same says whether two decisions would land the same.
func same(was, is []loop.Effect) bool {
	return slices.EqualFunc(was, is, func(a, b loop.Effect) bool {
		if a.Step != b.Step || a.Action != b.Action || a.Target != b.Target || a.Class != b.Class {
			return false
		}
		r, s := requestOf(&a), requestOf(&b)
		if r.Method != s.Method || r.URL != s.URL || r.Body != s.Body || r.Secret != s.Secret || !maps.Equal(r.Headers, s.Headers) {
			return false
		}
		o, p := outputOf(&a), outputOf(&b)
		return o.Key == p.Key && string(o.Value) == string(p.Value)
	})
}

func requestOf(e *loop.Effect) loop.Request {
	if e.Request == nil {
		return loop.Request{}
	}
	return *e.Request
}

func outputOf(e *loop.Effect) loop.OutputSpec {
	if e.Output == nil {
		return loop.OutputSpec{}
	}
	return *e.Output
}
