package rule

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// matcher is one value of a pattern's field. It is asked about scalars only, arrays being taken element by
// element, and about a missing field with a zero Result.
type matcher interface {
	match(v gjson.Result) bool
}

type (
	exactString   string
	exactNumber   float64
	exactBool     bool
	exactNull     struct{}
	prefixMatcher string
	suffixMatcher string
	existsMatcher bool
	// anythingBut matches what is there and is none of these.
	anythingBut []matcher
	// numericRange holds one or two bounds, all of which must hold.
	numericRange []bound
	bound        struct {
		op    string
		value float64
	}
)

func (m exactString) match(v gjson.Result) bool {
	return v.Type == gjson.String && v.Str == string(m)
}

func (m exactNumber) match(v gjson.Result) bool {
	return v.Type == gjson.Number && v.Num == float64(m)
}

func (m exactBool) match(v gjson.Result) bool {
	return v.Type == gjson.True && bool(m) || v.Type == gjson.False && !bool(m)
}

func (exactNull) match(v gjson.Result) bool { return v.Exists() && v.Type == gjson.Null }

func (m prefixMatcher) match(v gjson.Result) bool {
	return v.Type == gjson.String && strings.HasPrefix(v.Str, string(m))
}

func (m suffixMatcher) match(v gjson.Result) bool {
	return v.Type == gjson.String && strings.HasSuffix(v.Str, string(m))
}

// match: exists is about leaves; a field that is an object does not exist in this sense.
func (m existsMatcher) match(v gjson.Result) bool {
	return (v.Exists() && v.Type != gjson.JSON) == bool(m)
}

func (m anythingBut) match(v gjson.Result) bool {
	if !v.Exists() || v.Type == gjson.JSON {
		return false
	}
	return !slices.ContainsFunc(m, func(not matcher) bool { return not.match(v) })
}

func (m numericRange) match(v gjson.Result) bool {
	if v.Type != gjson.Number {
		return false
	}
	return !slices.ContainsFunc(m, func(b bound) bool { return !b.holds(v.Num) })
}

func (b bound) holds(f float64) bool {
	switch b.op {
	case "<":
		return f < b.value
	case "<=":
		return f <= b.value
	case ">":
		return f > b.value
	case ">=":
		return f >= b.value
	}
	return f == b.value
}

// matches says whether a field's value, found in the event, matches one of the matchers.
func (f *field) matches(ev *Event) bool {
	v := ev.attribute(f.attribute)
	for _, m := range f.matchers {
		if walk(v, f.path, m) {
			return true
		}
	}
	return false
}

// walk follows the path and asks the matcher at its end. Of an array any element will do, as in EventBridge;
// `exists: false` wants none, and an empty array is as good as none.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html
func walk(v gjson.Result, path []string, m matcher) bool {
	if absent, ok := m.(existsMatcher); ok && !bool(absent) {
		return !walk(v, path, existsMatcher(true))
	}
	if v.IsArray() {
		found := false
		v.ForEach(func(_, element gjson.Result) bool {
			found = !element.IsArray() && walk(element, path, m)
			return !found
		})
		return found
	}
	if len(path) == 0 {
		return m.match(v)
	}
	if !v.IsObject() {
		return false
	}
	return walk(member(v.Raw, path[0]), path[1:], m)
}

func stringResult(s string) gjson.Result { return gjson.Result{Type: gjson.String, Raw: `""`, Str: s} }

// compileMatcher reads one value of a field.
func compileMatcher(v any) (matcher, error) {
	if m, ok := v.(map[string]any); ok {
		if len(m) != 1 {
			return nil, errors.New("a matcher has exactly one key, such as {prefix: shop/}")
		}
		for op, arg := range m {
			return compileOperator(op, arg)
		}
	}
	return compileExact(v)
}

func compileExact(v any) (matcher, error) {
	switch v := v.(type) {
	case nil:
		return exactNull{}, nil
	case string:
		return exactString(v), nil
	case bool:
		return exactBool(v), nil
	}
	if f, ok := number(v); ok {
		return exactNumber(f), nil
	}
	return nil, fmt.Errorf("a value is text, a number, true, false, null or a matcher, not %T", v)
}

// number accepts what YAML, JSON and a Config written in Go hold.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	}
	return 0, false
}

func compileOperator(op string, arg any) (matcher, error) {
	switch op {
	case "prefix", "suffix":
		s, ok := arg.(string)
		if !ok {
			return nil, fmt.Errorf("%s takes text", op)
		}
		if op == "prefix" {
			return prefixMatcher(s), nil
		}
		return suffixMatcher(s), nil
	case "exists":
		b, ok := arg.(bool)
		if !ok {
			return nil, errors.New("exists takes true or false")
		}
		return existsMatcher(b), nil
	case "anything-but":
		return compileAnythingBut(arg)
	case "numeric":
		return compileNumeric(arg)
	}
	return nil, fmt.Errorf("unknown matcher %q: prefix, suffix, anything-but, numeric and exists are known", op)
}

func compileAnythingBut(arg any) (matcher, error) {
	list, ok := arg.([]any)
	if !ok {
		list = []any{arg}
	}
	if len(list) == 0 || len(list) > maxPatternValues {
		return nil, fmt.Errorf("anything-but takes 1 to %d values", maxPatternValues)
	}
	var not anythingBut
	for _, v := range list {
		m, err := compileMatcher(v)
		if err != nil {
			return nil, err
		}
		switch m.(type) {
		case exactString, exactNumber, prefixMatcher, suffixMatcher:
			not = append(not, m)
		default:
			return nil, errors.New("anything-but takes text, numbers, {prefix: …} or {suffix: …}")
		}
	}
	return not, nil
}

func compileNumeric(arg any) (matcher, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, errors.New(`numeric takes one or two bounds, such as [">", 5, "<=", 10]`)
	}
	var r numericRange
	for i := 0; i < len(list); i += 2 {
		op, _ := list[i].(string)
		value, ok := number(list[i+1])
		if !slices.Contains([]string{"<", "<=", ">", ">=", "="}, op) || !ok {
			return nil, errors.New(`numeric takes <, <=, >, >= or = and a number, such as [">", 5, "<=", 10]`)
		}
		r = append(r, bound{op, value})
	}
	return r, nil
}
