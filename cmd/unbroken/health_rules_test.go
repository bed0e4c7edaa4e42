package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// The rules about the loop itself that ship are valid, do what their tests say, and the page shows one of them as it is.
func TestTheHealthRulesThatShip(t *testing.T) {
	t.Parallel()
	const file = "../../docs/examples/health.yaml"
	for command, want := range map[string]string{"validate": "4 rules, 3 actions, 0 warnings", "test": "4 tests, 0 failed"} {
		w := newTerminal()
		if code := w.run(t.Context(), command, file); code != exitOK || !strings.Contains(w.out.String()+w.err.String(), want) {
			t.Errorf("%s: exit %d: %s%s", command, code, w.out.String(), w.err.String())
		}
	}
	rules, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, ok := strings.Cut(string(page), "<!-- of docs/examples/health.yaml -->\n```yaml\n")
	shown, _, _ = strings.Cut(shown, "```")
	if !ok || !strings.Contains(string(rules), shown) {
		t.Errorf("docs/operations.md shows another rule than what ships:\n%s", shown)
	}
}

// What the page calls the defaults are the defaults, each of them.
func TestTheBoundsThatThePageShowsAreTheDefaults(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, ok := strings.Cut(string(page), "```yaml\nhealth:\n")
	shown, rest, closed := strings.Cut(shown, "```")
	if !ok || !closed || !strings.Contains(rest, "\n\nThese are the defaults.") {
		t.Fatal("docs/operations.md shows no defaults")
	}
	bounds := reflect.TypeFor[loop.Bounds]()
	for i := range bounds.NumField() {
		if bound := bounds.Field(i).Tag.Get("yaml"); !strings.Contains(shown, "\n  "+bound+": ") {
			t.Errorf("%s is not shown", bound)
		}
	}
	cfg, err := rule.Parse("loop.yaml", []byte("regions: {loop: [us-east-2, us-west-2], witness: us-east-1}\ninputs: {a: {kind: http}}\nrules: [{id: r, match: {type: [t]}, do: [{step: s, action: n}]}]\n"+
		"actions: {n: {to: output, output: k}}\nhealth:\n"+shown))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.Health.Bounds, loop.DefaultBounds(); got != want {
		t.Errorf("shown %+v, and the defaults are %+v", got, want)
	}
	if cfg.Health.Drain != loop.DrainAutomatic {
		t.Errorf("shown %q as the default of drain", cfg.Health.Drain)
	}
}
