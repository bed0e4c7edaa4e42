package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// pattern is a compiled `match`: every field must match (and), a field matches if one of its values does (or).
// It follows EventBridge, with what it leaves out refused by name rather than misread:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
//
// Two differences. Numbers are equal by value, so 300 matches 3.0e2, where EventBridge long compared the text.
// And two fields under one array of objects may match in different elements.
type pattern struct {
	types  []matcher // of the field type, which rules are indexed by
	fields []field
}

// field is one attribute, or a dotted path into data, with the values that it may have.
type field struct {
	attribute string
	path      []string // below the attribute, for data
	matchers  []matcher
}

// Bounds of a pattern; the file's own limits come on top.
const (
	maxPatternFields = 100
	maxPatternValues = 1000
	maxPatternDepth  = 20
)

// compilePattern reads `match`. All problems are reported, each with the field it is in.
func compilePattern(match map[string][]any) (*pattern, error) {
	p := &pattern{}
	var problems []error
	if len(match) > maxPatternFields {
		return nil, fmt.Errorf("%d fields; at most %d are allowed", len(match), maxPatternFields)
	}
	names := make([]string, 0, len(match))
	for name := range match {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f, err := compileField(name, match[name])
		if err != nil {
			problems = append(problems, &fieldError{name, err})
			continue
		}
		if name == "type" {
			p.types = f.matchers
			continue
		}
		p.fields = append(p.fields, f)
	}
	if _, ok := match["type"]; !ok {
		problems = append(problems, &fieldError{"", errors.New("type is required: rules are found by it")})
	}
	return p, errors.Join(problems...)
}

// fieldError is a problem with one field of a pattern.
type fieldError struct {
	name string
	err  error
}

func (e *fieldError) Error() string { return e.name + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

func compileField(name string, values []any) (field, error) {
	parts := strings.Split(name, ".")
	f := field{attribute: parts[0], path: parts[1:]}
	switch {
	case !attributeName(f.attribute):
		return f, errors.New("not an attribute: names are lower-case letters and digits")
	case f.attribute != "data" && len(f.path) > 0:
		return f, errors.New("only data has fields below it")
	case slices.Contains(f.path, ""):
		return f, errors.New("a name between two dots is empty")
	case len(f.path) > maxPatternDepth:
		return f, fmt.Errorf("deeper than %d fields", maxPatternDepth)
	case len(values) == 0:
		return f, errors.New("an empty list matches nothing")
	case len(values) > maxPatternValues:
		return f, fmt.Errorf("%d values; at most %d are allowed", len(values), maxPatternValues)
	}
	for _, v := range values {
		m, err := compileMatcher(v)
		if err != nil {
			return f, err
		}
		if _, exact := m.(exactString); name == "type" && !exact {
			if _, prefix := m.(prefixMatcher); !prefix {
				return f, errors.New("type takes exact values and {prefix: …} only: rules are found by it")
			}
		}
		f.matchers = append(f.matchers, m)
	}
	return f, nil
}

// attributeName says whether s can name a CloudEvents attribute.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#attribute-naming-convention
func attributeName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// matchesType says whether the pattern's type field matches t.
func (p *pattern) matchesType(t string) bool {
	v := stringResult(t)
	for _, m := range p.types {
		if m.match(v) {
			return true
		}
	}
	return false
}

// matches says whether all fields match.
func (p *pattern) matches(ev *Event) bool {
	if !p.matchesType(ev.Type()) {
		return false
	}
	for i := range p.fields {
		if !p.fields[i].matches(ev) {
			return false
		}
	}
	return true
}

// matchesPrefix says whether one of the type field's prefixes matches t; exact values are in the index.
func (p *pattern) matchesPrefix(t string) bool {
	for _, m := range p.types {
		if prefix, ok := m.(prefixMatcher); ok && strings.HasPrefix(t, string(prefix)) {
			return true
		}
	}
	return false
}
