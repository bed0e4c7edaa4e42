package rule

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

const verified = `inputs: {in: {kind: http}}
rules:
  - id: r
    match: {type: [t]}
    key: signal.subject
    do: [{action: a}]
    verify: VERIFY
actions:
  a: {to: output, output: "k/{{ key }}", expire_after: 1m}
  b: {to: output, output: "else/{{ key }}", expire_after: 3m, fallback: c}
  c: {to: output, output: "else/{{ key }}/c", expire_after: 3m}
`

func TestVerifyIsChecked(t *testing.T) {
	t.Parallel()
	for verify, want := range map[string]string{
		"{within: 1m, else: [{action: b}]}":                                     "loop.yaml:7:13: rules[0].verify: needs when",
		"{when: 'true', else: [{action: b}]}":                                   "rules[0].verify.within: must be more than 0",
		"{when: 'true', within: 8d, else: [{action: b}]}":                       "rules[0].verify.within: must be at most 7d",
		"{when: 'true', within: 1m}":                                            "rules[0].verify: needs else",
		"{when: 'true', within: 1m, otherwise: [{action: b}]}":                  "rules[0].verify.otherwise: unknown field",
		"{when: '1', within: 1m, else: [{action: b}]}":                          "rules[0].verify.when: the expression gives int",
		"{when: signal.data., within: 1m, else: [{action: b}]}":                 "rules[0].verify.when",
		"{when: 'true', within: 1m, else: [{action: bb}]}":                      `rules[0].verify.else[0].action: no action is named "bb"`,
		"{when: 'true', within: 1m, else: [{action: b}, {action: b}]}":          "rules[0].verify.else[1].step",
		"{when: 'true', within: 1m, else: [{action: b, with: {x: '{{ y }}'}}]}": "rules[0].verify.else[0].with",
		"{when: 'true', within: 1m, else: [{action: b, approval: maybe}]}":      "rules[0].verify.else[0].approval: unknown value",
	} {
		if _, err := Parse("loop.yaml", []byte(strings.Replace(verified, "VERIFY", verify, 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", verify, err, want)
		}
	}
	noKey := strings.Replace(strings.Replace(verified, "VERIFY", "{when: 'true', within: 1m, else: [{action: b}]}", 1), "    key: signal.subject\n", "", 1)
	if _, err := Parse("loop.yaml", []byte(noKey)); err == nil || !strings.Contains(err.Error(), "a rule with verify needs a key") {
		t.Errorf("without a key: %v", err)
	}
}

func TestVerifyStandsInTheEffectsOfDo(t *testing.T) {
	t.Parallel()
	src := strings.Replace(verified, "VERIFY", "{when: signal.data.ok, within: 1m, else: [{step: x, action: b, approval: required}]}", 1)
	for mode, want := range map[string]bool{"enforce": true, "shadow": false} {
		cfg, err := Parse("loop.yaml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Rules[0].Mode = mode
		set, err := Compile(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p := set.Programs()[0]
		if p.Verifies() != want {
			t.Fatalf("%s: verifies %v", mode, p.Verifies())
		}
		ev := signal(`{"ok":true}`)
		effects, err := p.Render(ev, RenderInput{Key: "k", Phase: loop.PhaseDo})
		if err != nil || (effects[0].Verify != nil) != want {
			t.Fatalf("%s: %+v, %v", mode, effects, err)
		}
		if !want {
			continue
		}
		v := effects[0].Verify
		if e := v.Else[0]; len(v.Else) != 1 || e.ID != loop.EffectID(loop.ElseDecisionID(ev.Key(), "r"), "x") || e.Phase != loop.PhaseElse ||
			!e.Approval || e.Budget != 0 || e.Fence != effects[0].Fence.Else() || v.Settle != cfg.StandbyDelay || !v.After.Equal(ev.Time()) {
			t.Errorf("%+v", v)
		}
		if got := p.Overdue().String(); got != "6m40s" { // the fallback's time comes on top
			t.Errorf("overdue after %s", got)
		}
		if got := p.Remembered().String(); got != "8m40s" {
			t.Errorf("remembered for %s", got)
		}
		if ok, err := p.Worked(ev); !ok || err != nil {
			t.Error(ok, err)
		}
		if _, err := p.Worked(signal(`{}`)); loop.CodeOf(err) != loop.CodeRuleFailed || !strings.Contains(err.Error(), "verify.when") {
			t.Errorf("a missing field: %v", err)
		}
	}
	for _, p := range Warnings(mustParse(t, strings.Replace(src, "signal.data.ok", "'false'", 1))) {
		if p.Path == "rules[0].verify.when" {
			return
		}
	}
	t.Error("nothing warns of a condition that never holds")
}

// What is done else is stored with its do: both together have a limit.
func TestElseCountsForTheSizeOfItsDo(t *testing.T) {
	t.Parallel()
	e := loop.Effect{Verify: &loop.Verification{Else: make([]loop.Effect, 2)}}
	for i := range e.Verify.Else {
		e.Verify.Else[i].Output = &loop.OutputSpec{Value: json.RawMessage(`"` + strings.Repeat("x", loop.MaxRequestBytes-2) + `"`)}
	}
	if err := checkEffect(&e); loop.CodeOf(err) != loop.CodeTooLarge {
		t.Error(err)
	}
}

func mustParse(t *testing.T, src string) *loop.Config {
	t.Helper()
	cfg, err := Parse("loop.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
