package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// form says how an expression's value is written where it stands.
type form uint8

const (
	formText       form = iota // as it reads
	formJSON                   // as a JSON value, keeping its type
	formJSONString             // as text, escaped, inside a JSON string
	formPath                   // as one segment of a URL's path
	formQuery                  // inside a URL's query
	formName                   // as it reads, in the name of a resource: never empty
)

// chunk is a piece of a compiled template: bytes as they are, or an expression and how to write its value.
type chunk struct {
	literal string
	expr    *expr
	form    form
}

// template is a compiled text or JSON value with `{{ CEL }}` in it.
type template struct {
	chunks []chunk
	field  string // what it renders, for errors
}

// static returns the template's bytes if there is no expression in it.
func (t *template) static() (string, bool) {
	switch {
	case len(t.chunks) == 0:
		return "", true
	case len(t.chunks) == 1 && t.chunks[0].expr == nil:
		return t.chunks[0].literal, true
	}
	return "", false
}

func (t *template) text(s string) {
	if s == "" {
		return
	}
	if n := len(t.chunks); n > 0 && t.chunks[n-1].expr == nil {
		t.chunks[n-1].literal += s
		return
	}
	t.chunks = append(t.chunks, chunk{literal: s})
}

// piece is a stretch of a template's source: literal text, or the source of an expression.
type piece struct {
	source string
	isExpr bool
}

// split takes a text apart at `{{` and `}}`. Braces and quotes inside an expression are followed, so that
// {{ {"a": 1} }} and {{ "}}" }} mean what they say. A literal `{{` is written {{ "{{" }}.
func split(s string) ([]piece, error) {
	var pieces []piece
	for {
		before, rest, found := strings.Cut(s, "{{")
		if before != "" {
			pieces = append(pieces, piece{source: before})
		}
		if !found {
			return pieces, nil
		}
		end := closing(rest)
		if end < 0 {
			return nil, errors.New("a {{ has no }}")
		}
		source := strings.TrimSpace(rest[:end])
		if source == "" {
			return nil, errors.New("{{ }} is empty")
		}
		pieces = append(pieces, piece{source: source, isExpr: true})
		s = rest[end+2:]
	}
}

// closing finds the `}}` that ends an expression, or -1.
func closing(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'':
			raw := i > 0 && (s[i-1] == 'r' || s[i-1] == 'R')
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' && !raw {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth == 0 && strings.HasPrefix(s[i:], "}}") {
				return i
			}
			depth--
		}
	}
	return -1
}

// addText compiles s for a place that is always text.
func (t *template) addText(s string, in scope, f form) error {
	pieces, err := split(s)
	if err != nil {
		return err
	}
	for _, p := range pieces {
		if !p.isExpr {
			if f == formJSONString {
				quoted := gjson.AppendJSONString(nil, p.source)
				p.source = string(quoted[1 : len(quoted)-1])
			}
			t.text(p.source)
			continue
		}
		x, err := compile(p.source, in, nil)
		if err != nil {
			return fmt.Errorf("{{ %s }}: %w", oneLine(p.source), err)
		}
		t.chunks = append(t.chunks, chunk{expr: x, form: f})
	}
	return nil
}

// textTemplate compiles a text.
func textTemplate(field, s string, in scope) (*template, error) {
	t := &template{field: field}
	if err := t.addText(s, in, formText); err != nil {
		return nil, err
	}
	return t, nil
}

// jsonTemplate compiles a value whose strings may hold templates. A string that is nothing but one template
// becomes that value, whatever its type; any other string stays a string.
func jsonTemplate(field string, v any, in scope) (*template, error) {
	t := &template{field: field}
	if err := t.addJSON(v, in); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *template) addJSON(v any, in scope) error {
	switch v := v.(type) {
	case string:
		pieces, err := split(v)
		if err != nil {
			return err
		}
		if len(pieces) == 1 && pieces[0].isExpr {
			return t.addText(v, in, formJSON)
		}
		t.text(`"`)
		if err := t.addText(v, in, formJSONString); err != nil {
			return err
		}
		t.text(`"`)
	case []any:
		t.text("[")
		for i, element := range v {
			if i > 0 {
				t.text(",")
			}
			if err := t.addJSON(element, in); err != nil {
				return err
			}
		}
		t.text("]")
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		t.text("{")
		for i, name := range names {
			if i > 0 {
				t.text(",")
			}
			t.text(string(append(gjson.AppendJSONString(nil, name), ':')))
			if err := t.addJSON(v[name], in); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		t.text("}")
	case nil:
		t.text("null")
	case bool:
		t.text(fmt.Sprint(v))
	default:
		f, ok := number(v)
		if !ok {
			return fmt.Errorf("a value is text, a number, true, false, null, a list or a map, not %T", v)
		}
		b, err := appendNumber(nil, f)
		if err != nil {
			return err
		}
		t.text(string(b))
	}
	return nil
}
