package ruletest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

const rules = `
inputs: {default: {kind: http}}
rules:
  - id: cpu
    match: {type: [cpu]}
    when: signal.data.value > 90.0
    key: signal.subject
    window: {count: 2, within: 5m}
    do: [{step: page, action: page}, {step: note, action: note, with: {level: 1, of: cpu}}]
    undo: [{step: note, action: note, with: {level: 0}}]
  - {id: idle, match: {type: [cpu]}, mode: off, do: [{action: page}]}
actions:
  page: {to: webhook, url: "https://hooks.example.com/{{ key }}", effect: keyed}
  note: {to: output, effect: native, output: "note/{{ key }}", value: {level: "{{ with.level }}", phase: "{{ phase }}"}}
`

func cfg(t *testing.T) *loop.Config {
	t.Helper()
	c, err := rule.Parse("loop.yaml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const signals = `
    signals:
      - {at: 0s, type: cpu, subject: a, data: {value: 95}}
      - {at: 1m, type: cpu, subject: a, data: {value: 95}}
      - {at: 2m, type: cpu, subject: a, data: {value: 10}}
`

// failure runs one test and gives its diff.
func failure(t *testing.T, expect string) string {
	t.Helper()
	tests, err := Parse("x.test.yaml", []byte("tests:\n  - name: x"+signals+"    expect: "+expect), cfg(t))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), cfg(t), tests[0])
	if err != nil {
		t.Fatal(err)
	}
	return r.Failure
}

func TestWhatIsExpectedPasses(t *testing.T) {
	t.Parallel()
	for name, expect := range map[string]string{
		"times and phases": `[{at: 1m, rule: cpu}, {at: 2m, rule: cpu, phase: undo}]`,
		"all of it": `[{at: 1m, rule: cpu, key: a, phase: do, steps: [page, note], effects: {note: {output: note/a, value: {level: 1.0}}}},
			{at: 2m, rule: cpu, key: a, phase: undo, steps: [note], effects: {note: {value: {level: 0, phase: undo}}}}]`,
		"a body":      `[{at: 1m, rule: cpu, effects: {page: {url: "https://hooks.example.com/a", method: POST, body: {rule: cpu, signal: {data: {value: 95}}}}}}, {at: 2m, rule: cpu, phase: undo}]`,
		"other order": `[{at: 2m, rule: cpu, phase: undo}, {at: 1m, rule: cpu}]`,
	} {
		if got := failure(t, expect); got != "" {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// What a do must bring about is played, too: as if it were done when its signal was accepted.
func TestAVerificationIsPlayed(t *testing.T) {
	t.Parallel()
	for _, window := range []string{"", "    window: {count: 1, within: 5m}\n"} {
		c, err := rule.Parse("loop.yaml", []byte(`
inputs: {default: {kind: http}}
rules:
  - id: cpu
    match: {type: [cpu]}
    when: signal.data.value > 90.0
    key: signal.subject
    do: [{step: shed, action: note}]
`+window+`    verify: {when: signal.data.value < 50.0, within: 10m, else: [{step: lead, action: lead}]}
actions:
  note: {to: output, effect: native, output: "note/{{ key }}"}
  lead: {to: output, effect: native, output: "lead/{{ key }}", value: "{{ signal.data.value }}"}
`))
		if err != nil {
			t.Fatal(err)
		}
		tests, err := Parse("x.test.yaml", []byte(`tests:
  - name: x
    signals:
      - {at: 0s, type: cpu, subject: bad, data: {value: 95}}
      - {at: 0s, type: cpu, subject: good, data: {value: 95}}
      - {at: 9m59s, type: cpu, subject: good, data: {value: 10}}
      - {at: 10m, type: cpu, subject: bad, data: {value: 10}} # too late
    expect:
      - {at: 0s, rule: cpu, key: bad}
      - {at: 0s, rule: cpu, key: good}
      - {at: 10m, rule: cpu, key: bad, phase: else, steps: [lead], effects: {lead: {output: lead/bad, value: 95}}}
`+map[bool]string{true: `      - {at: 9m59s, rule: cpu, key: good, phase: undo}
      - {at: 10m, rule: cpu, key: bad, phase: undo}
`}[window != ""]), c)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := Run(t.Context(), c, tests[0]); err != nil || r.Failure != "" {
			t.Errorf("%v\n%s", err, r.Failure)
		}
	}
}

func TestWhatDeviatesReadsLikeADiff(t *testing.T) {
	t.Parallel()
	const do, undo = "1m0s     cpu  a  do  page, note\n", "2m0s     cpu  a  undo  note\n"
	for expect, want := range map[string]string{
		`[]`:                    "+ " + do + "+ " + undo,
		`[{at: 1m, rule: cpu}]`: "  " + do + "+ " + undo,
		`[{at: 30s, rule: cpu, key: b, steps: [page]}, {at: 2m, rule: cpu, phase: undo}]`: "- 30s      cpu  b  do  page\n+ " + do + "  " + undo,
		`[{at: 1m, rule: cpu}, {at: 1m, rule: cpu}, {at: 2m, rule: cpu, phase: undo}]`:    "  " + do + "- 1m0s     cpu  any key  do\n  " + undo,
		`[{at: 1m, rule: cpu, steps: [note], effects: {note: {value: {level: 2, phase: do}}, gone: {}}}, {at: 2m, rule: cpu, phase: undo}]`: "  " + do +
			"-     steps: note\n+     steps: page, note\n-     gone: {}\n+     gone: there is no such step\n" +
			"-     note.value.level: 2\n+     note.value.level: 1\n  " + undo,
	} {
		if got := failure(t, expect); got != "--- expected\n+++ made\n"+want {
			t.Errorf("%s:\n%swant\n%s", expect, got, want)
		}
	}
}

func TestARuleThatFailsFailsTheTest(t *testing.T) {
	t.Parallel()
	tests, err := Parse("x", []byte("tests: [{name: x, signals: [{at: 0s, type: cpu, data: {value: much}}, {at: 1s, type: cpu, id: \"\\u0001\"}]}]"), cfg(t))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), cfg(t), tests[0])
	if err != nil || !strings.Contains(r.Failure, "! rule cpu fails on signal 1: rule_failed: when: ") || !strings.Contains(r.Failure, "! signal 2 is refused") {
		t.Errorf("%v\n%s", err, r.Failure)
	}
}

func TestMistakesHaveTheirLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"tests:\n  - name: x\n    signal: []":                                        "t:3:5: ",
		"tests:\n  - name: x\n    expect:\n      - {at: 1m, rule: cup}":              "t:4:24: tests[0].expect[0].rule: no rule has the id \"cup\" (known: cpu, idle)",
		"tests:\n  - name: x\n    rules: [idle]":                                     "rule idle is off",
		"tests:\n  - name: x\n    expect:\n      - {at: 1m, rule: cpu, phase: done}": "unknown phase \"done\"",
		"tests:\n  - name: x\n    signals:\n      - {at: 1m}":                        "t:4:10: tests[0].signals[0]: type is required",
		"tests:\n  - name: x\n    signals:\n      - {at: soon, type: cpu}":           "t:4:14: ",
		"tests:\n  - signals: []":                                                    "name is required",
		"tests:\n  - name: x\n  - name: x":                                           "t:3:11: tests[1].name: \"x\" is a test already",
		"tests:\n  - name: x\n    start: today":                                      "\"today\" is no time",
		"tests: []":                                                                  "there is no test",
		"tests: [":                                                                   "t:1:",
	} {
		_, err := Parse("t", []byte(text), cfg(t))
		if _, ok := errors.AsType[*rule.Errors](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n%v\nwant %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("tests: [{name: x, signals: [{at: 1s, type: cpu, data: [1, {a: b}]}], expect: [{at: 1s, rule: cpu}]}]")
	f.Add("tests:\n- &a {name: *a}")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = Parse("t", []byte(text), cfg(t))
	})
}

func TestJUnitIsWhatBuildServersRead(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := WriteJUnit(&out, []Result{
		{Test: Test{Name: "one", File: "a.test.yaml", Line: 3}},
		{Test: Test{Name: "two <&>", File: "a.test.yaml", Line: 9}, Failure: "- x\n+ y\n"},
		{Test: Test{Name: "three", File: "b.test.yaml"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var doc junitSuites
	if err := xml.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Suites) != 2 || doc.Suites[0].Tests != 2 || doc.Suites[0].Failures != 1 || doc.Suites[0].Cases[1].Name != "two <&>" ||
		doc.Suites[0].Cases[1].Failure.Text != "- x\n+ y\n" || doc.Suites[0].Cases[0].Failure != nil || doc.Suites[1].Failures != 0 {
		t.Errorf("%s", out.String())
	}
}

// The tests of the sample rules pass: they are what a newcomer reads first.
func TestTheSampleRules(t *testing.T) {
	t.Parallel()
	sample, err := rule.ParseFile("../../localstack/loop.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := ParseFile("../../localstack/loop.test.yaml", sample)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range tests {
		r, err := Run(t.Context(), sample, one)
		if err != nil || r.Failure != "" {
			t.Errorf("%s: %v\n%s", one.Name, err, r.Failure)
		}
	}
}
