package rule

import (
	"encoding/json"
	"fmt"
	"math"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// Mapping makes a signal's attributes and data of a JSON body. Safe for concurrent use.
type Mapping struct{ fields []mapped }

// mapped is one attribute and what it is made from.
type mapped struct {
	name, source string
	expr         *expr
}

func mappingFields(m loop.Mapping) []mapped {
	return []mapped{
		{name: "id", source: m.ID},
		{name: "source", source: m.Source},
		{name: "type", source: m.Type},
		{name: "subject", source: m.Subject},
		{name: "time", source: m.Time},
		{name: "data", source: m.Data},
	}
}

// Mappings are those of a Config, by input.
type Mappings map[string]*Mapping

// CompileMappings makes them ready. Those of a Config that Parse has taken never fail here.
func CompileMappings(cfg *loop.Config) (Mappings, error) {
	all := Mappings{}
	for name, in := range cfg.Inputs {
		if in.Format != loop.FormatJSON && in.URL == "" {
			continue
		}
		compiled, problems := compileMapping(in.Map)
		if len(problems) > 0 {
			return nil, fmt.Errorf("compile the mapping of input %s: %w", name, problems[0])
		}
		all[name] = compiled
	}
	return all, nil
}

// Map makes a signal's parts of a body that came to the input.
func (all Mappings) Map(input string, body []byte) (attributes map[string]string, data json.RawMessage, err error) {
	m, known := all[input]
	if !known {
		return nil, nil, loop.Refuse(loop.CodeUnavailable, "this input's mapping is not ready")
	}
	return m.eval(body)
}

func compileMapping(m loop.Mapping) (*Mapping, []error) {
	compiled := &Mapping{}
	var problems []error
	for _, f := range mappingFields(m) {
		if f.source == "" {
			continue
		}
		var err error
		if f.expr, err = compile(f.source, scopeBody, nil); err != nil {
			problems = append(problems, &fieldError{f.name, err})
			continue
		}
		compiled.fields = append(compiled.fields, f)
	}
	return compiled, problems
}

// eval evaluates the mapping of one body, which must be JSON. What is null is left out; data is nil where the mapping
// says nothing of it. Whatever goes wrong is what the body has or lacks, so it is a refusal of the body.
func (m *Mapping) eval(body []byte) (attributes map[string]string, data json.RawMessage, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = loop.Refuse(loop.CodeInvalidEvent, "the mapping failed: %s", oneLine(fmt.Sprint(r)))
		}
	}()
	vars := &activation{body: celValue(gjson.ParseBytes(body))}
	attributes = map[string]string{}
	for _, f := range m.fields {
		v, err := f.expr.eval(vars)
		if err == nil && v.Type() == types.NullType && f.name != "data" {
			continue
		}
		if err == nil {
			if f.name == "data" {
				data, err = appendJSON(nil, v, 0)
			} else {
				attributes[f.name], err = attribute(v)
			}
		}
		if err != nil {
			detail := err.Error()
			if refusal, ok := err.(*loop.Refusal); ok { //nolint:errorlint // eval wraps nothing around it
				detail = refusal.Detail
			}
			return nil, nil, loop.Refuse(loop.CodeInvalidEvent, "map.%s: %s", f.name, oneLine(detail))
		}
	}
	return attributes, data, nil
}

// attribute is the text of a value. A whole number that a double cannot hold is none: two ids would become one, and
// the second event would be taken for a copy of the first.
func attribute(v ref.Val) (string, error) {
	if f, ok := v.(types.Double); ok && math.Abs(float64(f)) >= 1<<53 {
		return "", fmt.Errorf("a number beyond 2^53 is not exact; send it as a string")
	}
	if !scalar(v) {
		return "", fmt.Errorf("gives %s, which is not text", v.Type().TypeName())
	}
	b, err := appendText(nil, v)
	return string(b), err
}
