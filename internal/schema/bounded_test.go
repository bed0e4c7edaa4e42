package schema

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"example.com/unbroken/internal/loop"
)

// deep is data of 60 levels, which ingest takes, with what stands in the innermost.
func deep(inner string) string {
	return strings.Repeat(`{"a":`, 60) + inner + strings.Repeat("}", 60)
}

// Without a bound each of these takes 2^60 steps. By whichever keyword the schema branches, in every draft, and whether
// or not anybody wants to know why.
func TestASchemaThatBranchesIntoItselfEnds(t *testing.T) {
	t.Parallel()
	const one, other = `{"required":["x"],"properties":{"a":{"$ref":"#"}}}`, `{"required":["y"],"properties":{"a":{"$ref":"#"}}}`
	branches := map[string]string{
		"anyOf":             `"anyOf":[` + one + `,` + other + `]`,
		"oneOf":             `"oneOf":[` + one + `,` + other + `]`,
		"oneOf, and it is":  `"oneOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"},"b":false},"required":["b"]}]`,
		"allOf":             `"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]`,
		"not":               `"not":{"not":{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}}`,
		"patternProperties": `"properties":{"a":{"$ref":"#"}},"patternProperties":{"a":{"$ref":"#"}}`,
		"dependencies":      `"properties":{"a":{"$ref":"#"}},"dependencies":{"a":{"properties":{"a":{"$ref":"#"}}}}`,
		"if":                `"if":{"properties":{"a":{"$ref":"#"}}},"then":{"properties":{"a":{"$ref":"#"}}}`,
	}
	for _, draft := range []string{"http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema"} {
		for name, branch := range branches {
			text := `{"$schema":"` + draft + `",` + branch + `}`
			if name == "if" && strings.Contains(draft, "-04") {
				continue // it has none
			}
			if strings.Contains(draft, "-04") {
				text = strings.Replace(text, `"b":false`, `"b":{"not":{}}`, 1)
			}
			if _, err := Check([]byte(text)); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			check := compiled(t, text)
			for _, data := range []string{deep("1"), deep(`{"a":1}`), deep(`[]`)} {
				if err := check(signal(data)); loop.CodeOf(err) != loop.CodeInvalidData || !strings.Contains(err.Error(), "takes too long") {
					t.Errorf("%s: %v", text, err)
				}
			}
			if err := check(signal(`{"b":1}`)); err != nil && strings.Contains(err.Error(), "too long") {
				t.Errorf("%s: what is small gets to no end", text)
			}
		}
	}
}

// A schema that refers to itself once takes a step a level, and the densest data that is allowed is no attack.
func TestHonestDataIsJudgedToTheEnd(t *testing.T) {
	t.Parallel()
	tree := compiled(t, `{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"b":{"type":"array","items":{"$ref":"#/$defs/n"}}}}}}`)
	if err := tree(signal(deep(`{}`))); err != nil {
		t.Error(err)
	}
	if err := tree(signal(deep(`1`))); err == nil || !strings.Contains(err.Error(), "want object") {
		t.Errorf("the innermost is no object: %v", err)
	}
	dense := compiled(t, `{"items":{"anyOf":[{"$ref":"#/$defs/digit"},{"type":"string"}]},"$defs":{"digit":{"type":"number","minimum":0,"maximum":9}}}`)
	digits := strings.Repeat("1,", loop.MaxSignalBytes/2-100)
	if err := dense(signal(`[` + digits + `1]`)); err != nil {
		t.Error(err)
	}
	if err := dense(signal(`[` + digits + `10]`)); err == nil || !strings.Contains(err.Error(), "not what the schema") {
		t.Errorf("the last is too large: %.200v", err)
	}
}

// What counts the steps of one signal must not count another's.
func TestSignalsAreJudgedAtOnce(t *testing.T) {
	t.Parallel()
	check := compiled(t, `{"type":"array","items":{"type":"number"}}`)
	data := signal(`[` + strings.Repeat("1,", 2000) + `1]`)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := check(data); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// What a schema that branches costs where the data is as large as may be, in small values.
func BenchmarkABudgetIsUsedUp(b *testing.B) {
	check := compiled(b, `{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`)
	for name, size := range map[string]int{"small": 0, "256KiB": loop.MaxSignalBytes - 1000} {
		data := loop.Signal{Data: json.RawMessage(`{"pad":"` + strings.Repeat("x", size) + `",` + deep("1")[1:])}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := check(data); loop.CodeOf(err) != loop.CodeInvalidData {
					b.Fatal(err)
				}
			}
		})
	}
}
