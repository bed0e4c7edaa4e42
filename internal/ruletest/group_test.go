package ruletest

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/rule"
)

const groupedRules = `
inputs: {default: {kind: queue}}
rules:
  - id: slow
    match: {type: [latency]}
    when: signal.data.p95_ms > 800.0
    key: signal.subject
    group: {by: signal.data.zone, wait: 30s}
    do: [{action: page}]
  - id: silent
    match: {type: [beat]}
    key: signal.subject
    window: {absent: 1m}
    group: {by: "'all'", wait: 1m}
    do: [{action: page}]
actions:
  page: {to: webhook, url: "https://example.com", body: {text: "{{ signal.data.count }} of {{ key }}: {{ signal.data.summary }}"}, effect: keyed}
`

// The decision of a group is expected when its span is over; what joined it is no decision of its own.
func TestTheDecisionOfAGroupIsExpectedWhenItsSpanIsOver(t *testing.T) {
	t.Parallel()
	c, err := rule.Parse("loop.yaml", []byte(groupedRules))
	if err != nil {
		t.Fatal(err)
	}
	run := func(text string) string {
		tests, err := Parse("x.test.yaml", []byte(strings.Replace(`tests:
  - name: x
    until: 10m
    signals:
      - {at: 0s, type: latency, subject: a, data: {zone: z1, p95_ms: 900}}
      - {at: 5s, type: latency, subject: b, data: {zone: z2, p95_ms: 900}}
      - {at: 9s, type: latency, subject: c, data: {zone: z1, p95_ms: 900}}
      - {at: 10s, type: latency, subject: a, data: {zone: z1, p95_ms: 900}}
      - {at: 11s, type: latency, subject: d, data: {zone: z1, p95_ms: 100}}
      - {at: 20s, type: beat, subject: h1}
      - {at: 40s, type: beat, subject: h2}
    expect:
      - {at: 30s, rule: slow, key: z1, effects: {page: {body: {text: "TEXT"}}}}
      - {at: 35s, rule: slow, key: z2, steps: [page]}
      - {at: 2m20s, rule: silent, effects: {page: {body: {text: "2 of all: h1, h2"}}}}
`, "TEXT", text, 1)), c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), c, tests[0])
		if err != nil {
			t.Fatal(err)
		}
		return r.Failure
	}
	if f := run("2 of z1: a, c"); f != "" {
		t.Error(f)
	}
	if f := run("3 of z1: a, c, d"); !strings.Contains(f, "+     page.body.text: \"2 of z1: a, c\"") {
		t.Error(f)
	}
}
