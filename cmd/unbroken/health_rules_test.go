package main

import (
	"os"
	"strings"
	"testing"
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
