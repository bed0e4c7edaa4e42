package rule

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// rendered gives the effects of both phases of the one rule in src, which has a window.
func rendered(t *testing.T, src string) (do, undo []loop.Effect, warnings string) {
	t.Helper()
	cfg, err := Parse("loop.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := Load(packed) // what act needs must survive the bundle
	if err != nil {
		t.Fatal(err)
	}
	p := bundle.Set.Programs()[0]
	for phase, into := range map[loop.Phase]*[]loop.Effect{loop.PhaseDo: &do, loop.PhaseUndo: &undo} {
		if *into, err = p.Render(signal(`{}`), RenderInput{Key: "k", Phase: phase, Episode: 7}); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range Warnings(cfg) {
		warnings += w.String() + "\n"
	}
	return do, undo, warnings
}

const safe = `
actions: {a: {to: output, output: k}}
rules:
  - id: r
    match: {type: [t]}
    key: signal.subject
    window: {count: 1, within: 5m}
    undo: [{action: a}]
`

func TestARuleInShadowSaysSoInItsEffects(t *testing.T) {
	t.Parallel()
	do, undo, warnings := rendered(t, safe+"    do: [{action: a}]\n    mode: shadow\n")
	if !do[0].Shadow || !undo[0].Shadow || !strings.Contains(warnings, "shadow") {
		t.Errorf("do %v, undo %v, warnings %q", do[0].Shadow, undo[0].Shadow, warnings)
	}
	if do, _, _ = rendered(t, safe+"    do: [{action: a}]\n"); do[0].Shadow {
		t.Error("shadow is the default")
	}
}

func TestBoundsStandInTheEffectsOfDoOnly(t *testing.T) {
	t.Parallel()
	do, undo, _ := rendered(t, safe+"    do: [{action: a}]\n    throttle: 10m\n    guard: {max_per_hour: 6}\n")
	if do[0].Throttle.String() != "10m0s" || do[0].Budget != 6 || undo[0].Throttle != 0 || undo[0].Budget != 0 {
		t.Errorf("do %s, %d; undo %s, %d", do[0].Throttle, do[0].Budget, undo[0].Throttle, undo[0].Budget)
	}
}

func TestBoundsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"do: [{action: a}]\n    throttle: 0s":                                   "loop.yaml:10:15: rules[0].throttle: must be more than 0, and at most 7d (such as 10m; leave it out for none)",
		"do: [{action: a}]\n    throttle: 8d":                                   "at most 7d",
		"do: [{action: a}]\n    throttle: often":                                "is not a duration",
		"do: [{action: a}]\n    throtle: 1m":                                    "did you mean throttle?",
		"do: [{action: a}]\n    guard: {max_per_hour: 0}":                       "rules[0].guard.max_per_hour: must be from 1 to 1000 (leave it out for no bound)",
		"do: [{action: a}]\n    guard: {max_per_hour: 1001}":                    "must be from 1 to 1000",
		"do: [{action: a}]\n    guard: {max_per_hour: many}":                    "whole number",
		"do: [{action: a}]\n    guard: {max_per_our: 1}":                        "did you mean max_per_hour?",
		"do: [{action: a}, {step: b, action: a}]\n    guard: {max_per_hour: 1}": "1 is not enough for one do, which has 2 steps",
	} {
		if _, err := Parse("loop.yaml", []byte(safe+"    "+src+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", src, err, want)
		}
	}
}

func TestApprovalStandsInTheEffectOfItsStep(t *testing.T) {
	t.Parallel()
	do, undo, _ := rendered(t, safe+"    do: [{action: a, approval: required}, {step: page, action: a}]\n")
	if !do[0].Approval || do[1].Approval || undo[0].Approval {
		t.Errorf("asked for: %v, %v, undo %v", do[0].Approval, do[1].Approval, undo[0].Approval)
	}
	for src, want := range map[string]string{
		safe + "    do: [{action: a, approval: maybe}]\n":                                                `rules[0].do[0].approval: unknown value "maybe" (required)`,
		safe + "    do: [{action: a, aproval: required}]\n":                                              "did you mean approval?",
		strings.Replace(safe, "undo: [{", "undo: [{approval: required, ", 1) + "    do: [{action: a}]\n": "waits for nobody",
	} {
		if _, err := Parse("loop.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A fallback lands only where its effect was let through and given up: it is not asked about, counted or throttled again.
func TestAFallbackIsNotBound(t *testing.T) {
	t.Parallel()
	src := strings.Replace(safe, "actions: {a: {to: output, output: k}}", `actions:
  a: {to: webhook, url: "https://a.example.com", fallback: b}
  b: {to: webhook, url: "https://b.example.com"}`, 1)
	do, undo, _ := rendered(t, src+"    do: [{action: a, approval: required}]\n    throttle: 1m\n    mode: shadow\n    guard: {max_per_hour: 9}\n")
	for _, f := range []*loop.Effect{do[0].Fallback, undo[0].Fallback} {
		if f.Approval || f.Throttle != 0 || f.Budget != 0 || f.Shadow {
			t.Errorf("the fallback is bound: %+v", f)
		}
	}
}

const watchedRule = "    do: [{action: a}]\n    guard: {max_regressions: 2, worse: signal.data.rate > 0.5}\n"

func TestAWorseSignalCountsAgainstItsRule(t *testing.T) {
	t.Parallel()
	do, undo, _ := rendered(t, safe+watchedRule)
	if do[0].Watched.String() != "10m0s" || undo[0].Watched != 0 {
		t.Errorf("watched: do %s, undo %s", do[0].Watched, undo[0].Watched)
	}
	for mode, guarded := range map[string]bool{"enforce": true, "shadow": false} {
		cfg, err := Parse("loop.yaml", []byte(safe+watchedRule+"    mode: "+mode+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		set, err := Compile(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p := set.Programs()[0]
		if p.Guarded() != guarded {
			t.Errorf("%s: guarded %v", mode, p.Guarded())
		}
		for data, want := range map[string]bool{`{"rate":0.6}`: true, `{"rate":0.5}`: false} {
			if got, err := p.Worse(signal(data)); err != nil || got != want {
				t.Errorf("%s: worse %v, %v", data, got, err)
			}
		}
		if _, err := p.Worse(signal(`{}`)); loop.CodeOf(err) != loop.CodeRuleFailed || !strings.Contains(err.Error(), "guard.worse") {
			t.Errorf("a missing field: %v", err)
		}
		one, two := p.Regression(signal(`{}`), "k"), p.Regression(signal(`{}`), "k")
		if e := one.Effects[0]; one.ID != two.ID || e.ID != two.Effects[0].ID || e.Phase != loop.PhaseGuard || e.Regression.Most != 2 || e.Regression.Within.Std() != 10*60*1e9 {
			t.Errorf("%+v", one)
		}
	}
	for guard, want := range map[string]string{
		"{max_regressions: 2}": "rules[0].guard.max_regressions: needs worse",
		"{worse: 'true'}":      "rules[0].guard.worse: counts for max_regressions only (add max_regressions",
		"{within: 5m}":         "rules[0].guard.within: counts for max_regressions only",
		"{max_regressions: 2, worse: signal.data.rate >}": "rules[0].guard.worse",
		"{max_regressions: 2, worse: '1'}":                "must give bool",
		"{max_regressions: 2, wors: 'true'}":              "did you mean worse?",
		"{max_regressions: 2, worse: 'true', within: 0s}": "rules[0].guard.within: must be more than 0",
	} {
		if _, err := Parse("loop.yaml", []byte(safe+"    do: [{action: a}]\n    guard: "+guard+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", guard, err, want)
		}
	}
}
