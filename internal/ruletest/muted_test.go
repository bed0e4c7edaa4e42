package ruletest

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/rule"
)

const mutedRules = `
inputs: {default: {kind: queue}}
rules:
  - {id: down, match: {type: [host]}, when: signal.data.down, key: signal.subject, window: {count: 1, within: 5m}, do: [{action: note}]}
  - id: slow
    match: {type: [latency]}
    key: signal.subject
    do: [{action: note}]
    inhibited_by: [{rule: down, key: signal.data.host}]
    verify: {when: 'false', within: 1m, else: [{step: lead, action: note}]}
actions:
  note: {to: output, effect: native, output: "{{ rule }}/{{ key }}"}
`

// A decision that is muted is told apart, and starts no verification: nothing was done.
func TestWhatAnotherRuleMutesIsToldApart(t *testing.T) {
	t.Parallel()
	c, err := rule.Parse("loop.yaml", []byte(mutedRules))
	if err != nil {
		t.Fatal(err)
	}
	run := func(mutedBy string) string {
		tests, err := Parse("x.test.yaml", []byte(strings.ReplaceAll(`tests:
  - name: x
    until: 10m
    signals:
      - {at: 0s, type: latency, subject: a, data: {host: h}}
      - {at: 1m30s, type: host, subject: h, data: {down: true}}
      - {at: 2m, type: latency, subject: a, data: {host: h}}
      - {at: 2m, type: latency, subject: b, data: {host: h2}}
      - {at: 3m, type: host, subject: h, data: {down: false}}
      - {at: 3m, type: latency, subject: c, data: {host: h}}
    expect:
      - {at: 0s, rule: slow, key: a}
      - {at: 1m, rule: slow, key: a, phase: else}
      - {at: 1m30s, rule: down, key: h}
      - {at: 2m, rule: slow, key: a, MUTED}
      - {at: 2m, rule: slow, key: b}
      - {at: 3m, rule: slow, key: b, phase: else}
      - {at: 3m, rule: down, key: h, phase: undo}
      - {at: 3m, rule: slow, key: c}
      - {at: 4m, rule: slow, key: c, phase: else}
`, "MUTED", mutedBy)), c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), c, tests[0])
		if err != nil {
			t.Fatal(err)
		}
		return r.Failure
	}
	if got := run("muted_by: down"); got != "" {
		t.Error(got)
	}
	if got := run("phase: do"); !strings.Contains(got, "-     muted_by: none\n+     muted_by: down\n") {
		t.Errorf("not expected to be muted:\n%s", got)
	}
	if _, err := Parse("t", []byte("tests:\n  - name: x\n    expect:\n      - {at: 1m, rule: slow, muted_by: dwon}"), c); err == nil || !strings.Contains(err.Error(), `tests[0].expect[0].muted_by: no rule has the id "dwon"`) {
		t.Error(err)
	}
}
