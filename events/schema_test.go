package events_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/events"
)

// validator checks a value against the few keywords of JSON Schema that our schemas use, and fails on any other,
// so that no keyword is believed to check what nothing checks. The module has no JSON Schema library; this one
// is for the test alone. https://json-schema.org/draft/2020-12/json-schema-validation
type validator struct {
	t    *testing.T
	file string
}

func (v validator) check(schema map[string]any, value any) (errs []string) {
	fail := func(format string, args ...any) { errs = append(errs, fmt.Sprintf(format, args...)) }
	object, isObject := value.(map[string]any)
	text, isText := value.(string)
	number, isNumber := value.(float64)
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		want := schema[keyword]
		switch keyword {
		case "$schema", "$id", "$defs", "title", "description", "contentEncoding":
		case "$ref":
			next, target := v.resolve(want.(string))
			errs = append(errs, next.check(target, value)...)
		case "const":
			if !reflect.DeepEqual(value, want) {
				fail("%v is not %v", value, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), value) {
				fail("%v is none of %v", value, want)
			}
		case "type":
			if !slices.ContainsFunc(many(want), func(name any) bool { return hasType(value, name.(string)) }) {
				fail("%v is no %v", value, want)
			}
		case "required":
			for _, name := range want.([]any) {
				if _, there := object[name.(string)]; isObject && !there {
					fail("%v is missing", name)
				}
			}
		case "properties":
			for name, sub := range want.(map[string]any) {
				if member, there := object[name]; there {
					errs = append(errs, v.check(sub.(map[string]any), member)...)
				}
			}
		case "additionalProperties":
			named, _ := schema["properties"].(map[string]any)
			for name, member := range object {
				if _, known := named[name]; known {
					continue
				}
				if sub, ok := want.(map[string]any); ok {
					errs = append(errs, v.check(sub, member)...)
				} else {
					fail("%s is not expected", name)
				}
			}
		case "propertyNames":
			for name := range object {
				errs = append(errs, v.check(want.(map[string]any), name)...)
			}
		case "items":
			list, _ := value.([]any)
			for _, item := range list {
				errs = append(errs, v.check(want.(map[string]any), item)...)
			}
		case "allOf":
			for _, sub := range want.([]any) {
				errs = append(errs, v.check(sub.(map[string]any), value)...)
			}
		case "oneOf":
			n := 0
			for _, sub := range want.([]any) {
				if len(v.check(sub.(map[string]any), value)) == 0 {
					n++
				}
			}
			if n != 1 {
				fail("%d of oneOf match", n)
			}
		case "not":
			if len(v.check(want.(map[string]any), value)) == 0 {
				fail("%v is what it must not be", value)
			}
		case "minLength":
			if isText && len([]rune(text)) < int(want.(float64)) {
				fail("%q is too short", text)
			}
		case "pattern":
			if isText && !regexp.MustCompile(want.(string)).MatchString(text) {
				fail("%q does not match %v", text, want)
			}
		case "minimum", "maximum":
			if isNumber && (number < want.(float64)) == (keyword == "minimum") && number != want.(float64) {
				fail("%v is out of range", number)
			}
		case "format":
			if _, err := time.Parse(time.RFC3339Nano, text); isText && (want != "date-time" || err != nil) {
				fail("%q is no %v", text, want)
			}
		default:
			v.t.Fatalf("%s: keyword %s: teach the validator or leave it out", v.file, keyword)
		}
	}
	return errs
}

// resolve follows `#/$defs/x` and `file#/$defs/x`.
func (v validator) resolve(ref string) (validator, map[string]any) {
	file, path, _ := strings.Cut(ref, "#/$defs/")
	if file == "" {
		file = v.file
	}
	schema := load(v.t, "schemas/"+file)
	if path != "" {
		schema, _ = schema["$defs"].(map[string]any)[path].(map[string]any)
	}
	if schema == nil {
		v.t.Fatalf("%s: nothing at %s", v.file, ref)
	}
	return validator{v.t, file}, schema
}

func validate(t *testing.T, file string, document []byte) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatal(err)
	}
	v, schema := validator{t, file}.resolve(file)
	return v.check(schema, value)
}

func load(t *testing.T, path string) map[string]any {
	t.Helper()
	raw, err := fs.ReadFile(events.FS, path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

func many(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func hasType(value any, name string) bool {
	switch x := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && x == float64(int64(x))
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}
