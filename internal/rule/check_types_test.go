package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/schema"
)

const typedLoop = `
inputs: {default: {kind: http}}
types:
  com.example.metric:
    type: object
    properties:
      error_rate: {type: number}
      requests: {type: integer}
      host: {type: string}
      tags: {type: array, items: {type: string}}
      labels: {type: object, additionalProperties: {type: string}, properties: {team: {type: string}}}
      free: {type: object}
      any: {}
rules:
  - id: r
    match: {type: [%s]}
    when: '%s'
    key: signal.subject
    do: [{step: s, action: a, with: {v: '%s'}}]
actions:
  a: {to: output, output: "{{ key }}", value: {v: "{{ with.v }}", at: "%s"}}
`

// What a declared type says is held against every expression of a rule that asks for it, and nothing else is.
func TestExpressionsAreCheckedAgainstDeclaredTypes(t *testing.T) {
	t.Parallel()
	const metric = "com.example.metric"
	for name, c := range map[string]struct{ types, when, with, value, want string }{
		"right":                      {when: `signal.data.error_rate > 5 && signal.data.host.startsWith("w") && "x" in signal.data.tags && signal.time > timestamp("2026-01-01T00:00:00Z")`},
		"presence":                   {when: `has(signal.data.host) && signal.data.labels.team != "x"`},
		"other properties":           {when: `signal.data.labels.anything == "x" && signal.data.free.x > 1 && signal.data.any.x == 1 && signal.ext == "x"`},
		"an equal number":            {when: `signal.data.requests == 5 || signal.data.requests in [1, 2]`},
		"objects are maps":           {when: `signal.data["host"] == "w" && "host" in signal.data && size(signal.data) > 1`},
		"a name that is not there":   {when: `signal.data.eror_rate > 0.05`, want: "rules[0].when: signal.data.eror_rate is not in the type com.example.metric (did you mean error_rate?)"},
		"nested":                     {when: `signal.data.tags.exists(x, x.name == "a")`, want: "type 'string' does not support field selection"},
		"text and number":            {when: `signal.data.host > 5`, want: "of the type com.example.metric: no matching overload for '_>_' applied to '(string, int)'"},
		"a double and a whole":       {when: `signal.data.error_rate * 2 > 1.0`, want: "'_*_' applied to '(double, int)'"},
		"never equal":                {when: `signal.data.host == 5`, want: "'_==_' applied to '(string, int)'"},
		"no condition":               {when: `signal.data.host`, want: "the expression gives string; it must give bool"},
		"in with":                    {when: `true`, with: "{{ signal.data.hots }}", want: "rules[0].do[0].with: signal.data.hots is not in"},
		"in the action":              {when: `true`, value: "{{ signal.data.hots }}", want: "rules[0].do[0].action: signal.data.hots is not in"},
		"another type":               {types: "com.example.other", when: `signal.data.eror_rate > 0.05`},
		"each of several types":      {types: "com.example.other, " + metric, when: `signal.data.eror_rate > 0.05`, want: "eror_rate is not in"},
		"not a type but a beginning": {types: "{prefix: com.example.}", when: `signal.data.eror_rate > 0.05`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			types, value := c.types, c.value
			if types == "" {
				types = metric
			}
			if value == "" {
				value = "{{ signal.data.host }}"
			}
			_, err := Parse("loop.yaml", fmt.Appendf(nil, typedLoop, types, c.when, c.with, value))
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if all, ok := errors.AsType[*Errors](err); !ok || len(all.Problems) != 1 || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// What fell silent has no signal: its do, and what is done else, are rendered with the timer's, its undo with the signal that
// it spoke with.
func TestWhatIsRenderedWithTheTimerIsCheckedAgainstItsData(t *testing.T) {
	t.Parallel()
	const silent = `
inputs: {default: {kind: http}}
types: {com.example.beat: {type: object, properties: {status: {type: string}}}}
rules:
  - id: r
    match: {type: [com.example.beat]}
    when: signal.data.status == "ok"
    key: signal.subject
    window: {absent: 10m}
    do: [{step: s, action: a, with: {v: "{{ %s }}"}}]
    undo: [{step: s, action: b, with: {v: "{{ %s }}"}}]
    verify: {when: signal.data.status == "ok", within: 5m, else: [{step: e, action: a, with: {v: "{{ %s }}"}}]}
actions:
  a: {to: output, output: "do/{{ key }}", value: {v: "{{ with.v }}", since: "{{ signal.data.since }}"}}
  b: {to: output, output: "undo/{{ key }}", value: {v: "{{ with.v }}", status: "{{ signal.data.status }}"}}
`
	const since, status = "signal.data.since", "signal.data.status"
	for name, c := range map[string]struct{ do, undo, otherwise, want string }{
		"right":                   {do: "timestamp(signal.data.since)", undo: status, otherwise: "signal.data.rule"},
		"do of what did not come": {do: status, undo: status, otherwise: since, want: "rules[0].do[0].with: signal.data.status is not in the type unbroken.timer.absent"},
		"else of the same":        {do: since, undo: status, otherwise: status, want: "rules[0].verify.else[0].with: signal.data.status is not in"},
		"a name that is not":      {do: "signal.data.sicne", undo: status, otherwise: since, want: "(did you mean since?)"},
		"undo of the timer":       {do: since, undo: since, otherwise: since, want: "rules[0].undo[0].with: signal.data.since is not in the type com.example.beat"},
	} {
		_, err := Parse("loop.yaml", fmt.Appendf(nil, silent, c.do, c.undo, c.otherwise))
		if all, ok := errors.AsType[*Errors](err); c.want == "" && err != nil || c.want != "" && (!ok || len(all.Problems) != 1 || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// The schemas of the loop's own signals name what these have, and nothing else.
func TestOwnTypesAreWhatTheSignalsHave(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]any{
		loop.TimerAbsent: loop.AbsentData{}, loop.TimerGroup: loop.GroupData{Members: []loop.Member{{}}},
	} {
		raw, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		var has map[string]any
		if err := json.Unmarshal(raw, &has); err != nil {
			t.Fatal(err)
		}
		said := ownTypes[name].(map[string]any)["properties"].(map[string]any)
		if !slices.Equal(sortedKeys(has), sortedKeys(said)) {
			t.Errorf("%s has %v; its schema says %v", name, sortedKeys(has), sortedKeys(said))
		}
	}
}

// All that is wrong is told at once.
func TestAllUnknownNamesAreTold(t *testing.T) {
	t.Parallel()
	_, err := Parse("loop.yaml", fmt.Appendf(nil, typedLoop, "com.example.metric", `signal.data.a > 1 && signal.data.b > 1 && signal.data.a < 9`, "", "x"))
	if all, ok := errors.AsType[*Errors](err); !ok || len(all.Problems) != 2 {
		t.Errorf("%v", err)
	}
}

// A schema that is none is a problem where it stands.
func TestADeclaredTypeIsASchema(t *testing.T) {
	t.Parallel()
	src := strings.Replace(fmt.Sprintf(typedLoop, "com.example.metric", "true", "", "x"), "host: {type: string}", "host: {type: strin}", 1)
	_, err := ParseWith("loop.yaml", []byte(src), schema.Check)
	if all, ok := errors.AsType[*Errors](err); !ok || len(all.Problems) != 1 || !strings.Contains(err.Error(), "loop.yaml:9:14: types.com.example.metric.properties.host") {
		t.Errorf("%v", err)
	}
}
