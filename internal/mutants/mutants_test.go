package mutants

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const report = "../../docs/mutants.md"

// TestEachGuardStandsWhereTheTableSays keeps the table true without running it.
func TestEachGuardStandsWhereTheTableSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range table() {
		source, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.old); n != 1 {
			t.Errorf("%s: %q stands %d times in %s", m.guard, m.old, n, m.file)
		}
		if !strings.Contains(string(text), "| "+m.guard+" |") {
			t.Errorf("%s: not in docs/mutants.md; run `make mutants`", m.guard)
		}
	}
}

// TestEachMutantIsCaught takes every guard away and wants a test of its package to fail: not the compiler, and not
// a time-out alone.
func TestEachMutantIsCaught(t *testing.T) {
	only, err := regexp.Compile(os.Getenv("MUTANTS"))
	if err != nil {
		t.Fatalf("GUARD is no regular expression: %v", err)
	}
	if only.String() == "" {
		t.Skip("run by `make mutants`")
	}
	whole := true
	var out strings.Builder
	fmt.Fprintf(&out, "# Guards and who notices their absence\n\nWritten by `make mutants`. Each guard is taken out of the code, and the tests of its package are run on that.\n\n| guard | file | noticed by |\n|---|---|---|\n")
	for _, m := range table() {
		if !only.MatchString(m.guard) {
			whole = false
			continue
		}
		by, err := caught(t, m)
		if err != nil {
			t.Errorf("%s (%s): %v", m.guard, m.file, err)
			by = "**nobody**"
		}
		t.Logf("%-70s %s", m.guard, by)
		fmt.Fprintf(&out, "| %s | %s | %s |\n", m.guard, m.file, by)
	}
	if !whole {
		return // the report is of all
	}
	if err := os.WriteFile(report, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// caught runs the tests of the mutant's package on it and names the first that failed.
func caught(t *testing.T, m mutant) (string, error) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	dir := t.TempDir()
	broken, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): broken}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(broken, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "60s", "-vet=off", "-overlay", overlay, "-run", m.run, "./"+filepath.Dir(m.file))
	cmd.Dir = root
	text, err := cmd.CombinedOutput()
	if err == nil {
		return "", fmt.Errorf("no test failed")
	}
	found := failure.FindStringSubmatch(string(text))
	switch {
	case strings.Contains(string(text), "[build failed]"):
		return "", fmt.Errorf("it does not compile: %s", text)
	case found == nil && strings.Contains(string(text), "panic: test timed out"):
		return "a test that hangs", nil
	case found == nil:
		return "", fmt.Errorf("failed, but no test by name: %.400s", text)
	}
	return found[1], nil
}
