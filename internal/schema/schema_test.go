package schema

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

const reading = `{"type":"object","required":["celsius"],"additionalProperties":false,"properties":{
	"celsius":{"type":"number","minimum":-273.15},
	"at":{"type":"string","format":"date-time"},
	"doors":{"type":"array","items":{"$ref":"#/$defs/door"}},
	"state":{"anyOf":[{"const":"off"},{"type":"object","required":["mode"],"properties":{"mode":{"enum":["eco","full"]}}}]}},
	"$defs":{"door":{"type":"object","properties":{"a/b":{"type":"boolean"}}}}}`

func compiled(t testing.TB, text string) func(loop.Signal) error {
	t.Helper()
	check, err := Compile(&loop.Config{Inputs: map[string]loop.Input{"plant": {Schema: json.RawMessage(text)}, "other": {}}})
	if err != nil {
		t.Fatal(err)
	}
	return func(s loop.Signal) error { return check("plant", s) }
}

func signal(data string) (s loop.Signal) {
	if data != "" {
		s.Data = json.RawMessage(data)
	}
	return s
}

func TestDataIsWhatTheSchemaAllows(t *testing.T) {
	t.Parallel()
	check := compiled(t, reading)
	for data, want := range map[string]struct{ pointer, says string }{
		`{"celsius":231.5}`: {},
		`{"celsius":1,"at":"2026-03-04T12:00:00Z","doors":[]}`: {},
		`{"celsius":1,"state":{"mode":"eco"}}`:                 {},
		`{"celsius":-300}`:                                     {"/data/celsius", "minimum"},
		`{"celsius":"hot"}`:                                    {"/data/celsius", "got string, want number"},
		`{}`:                                                   {"/data", "celsius"},
		``:                                                     {"/data", "got null, want object"},
		`[1]`:                                                  {"/data", "got array, want object"},
		`{"celsius":1,"at":"yesterday"}`:                       {"/data/at", "date-time"},
		`{"celsius":1,"doors":[{"a/b":true},{"a/b":"no"}]}`:        {"/data/doors/1/a~1b", "boolean"},
		`{"celsius":1,"state":{"mode":"wild"}}`:                    {"/data/state/mode", "eco"},
		`{"celsius":1,"b":1,"a":1}`:                                {"/data", "'a'"},
		`{"celsius":1,"` + strings.Repeat("long", 60<<10) + `":1}`: {"/data", "…"},
	} {
		err := check(signal(data))
		if want.says == "" {
			if err != nil {
				t.Errorf("%.80s: %v", data, err)
			}
			continue
		}
		why, ok := errors.AsType[*loop.Refusal](err)
		if !ok || why.Code != loop.CodeInvalidData || why.Pointer != want.pointer || !strings.Contains(why.Detail, want.says) || len(why.Detail) > 2000 {
			t.Errorf("%.80s: %.300v, pointer %v", data, err, why)
		}
	}
	if err := check(loop.Signal{DataBase64: "AA=="}); loop.CodeOf(err) != loop.CodeInvalidData {
		t.Errorf("binary data: %v", err)
	}
}

func TestAPointerToADeepPlaceIsCutToWhereItStands(t *testing.T) {
	t.Parallel()
	check := compiled(t, `{"additionalProperties":{"additionalProperties":{"type":"null"}}}`)
	long := strings.Repeat("x", 1000)
	err := check(loop.Signal{Data: json.RawMessage(`{"a":{"` + long + `":1}}`)})
	if why, ok := errors.AsType[*loop.Refusal](err); !ok || why.Pointer != "/data/a" {
		t.Errorf("%v", err)
	}
}

// The fraction that this number is has a billion digits.
func TestANumberIsADouble(t *testing.T) {
	t.Parallel()
	check := compiled(t, `{"type":"number","multipleOf":0.5,"maximum":9}`)
	if err := check(loop.Signal{Data: json.RawMessage(`1e-999999999`)}); err != nil {
		t.Error(err)
	}
}

func TestInputsWithoutASchemaTakeAnyData(t *testing.T) {
	t.Parallel()
	check, err := Compile(&loop.Config{Inputs: map[string]loop.Input{"plant": {Schema: json.RawMessage(`{"type":"null"}`)}, "other": {}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := check("other", loop.Signal{Data: json.RawMessage(`1`)}); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoSchemaIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		at   []string
		says string
	}{
		reading: {},
		`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}`: {},
		`{"properties":{"a":{"type":"numbr"}}}`:                                 {[]string{"properties", "a", "type"}, "must be one of"},
		`{"required":"a"}`:                                                      {[]string{"required"}, "want array"},
		`{"properties":{"a":{"pattern":"("}}}`:                                  {nil, "("},
		`{"$ref":"#/$defs/nothing"}`:                                            {nil, "/$defs/nothing"},
		`{"$ref":"file:///etc/hostname"}`:                                       {nil, "stands alone"},
		`{"$ref":"https://example.com/schema"}`:                                 {nil, "stands alone"},
		`{"$schema":"https://example.com/mine"}`:                                {nil, "stands alone"},
	} {
		at, err := Check([]byte(text))
		if want.says == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want.says) || strings.Contains(err.Error(), base) {
			t.Errorf("%s: at %v: %v", text, at, err)
		}
		if len(want.at) > 0 && !slices.Equal(at, want.at) {
			t.Errorf("%s: at %v, want %v", text, at, want.at)
		}
	}
}

func FuzzDataAgainstASchema(f *testing.F) {
	check := compiled(f, reading)
	for _, seed := range []string{`{"celsius":1}`, `{"celsius":1e-999}`, `[[]]`, `{"a":{"b":[{}]}}`, `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := check(loop.Signal{Data: data})
		if why, ok := errors.AsType[*loop.Refusal](err); err != nil && (!ok || !strings.HasPrefix(why.Pointer, "/data")) {
			t.Errorf("%q: %v", data, err)
		}
	})
}
