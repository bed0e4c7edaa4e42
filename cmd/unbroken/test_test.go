package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const failingTests = `tests:
  - name: two failed deployments
    signals:
      - {at: 0s, type: com.example.deploy.failed, subject: a}
      - {at: 1m, type: com.example.deploy.failed, subject: b}
    expect:
      - {at: 0s, rule: deploy-failed, key: a, steps: [rollback]}
      - {at: 90s, rule: deploy-failed, key: b}
  - name: cpu is not a deployment
    signals: [{at: 0s, type: com.example.cpu, subject: a, data: {value: 99}}]
    expect: []
`

func TestRuleTests(t *testing.T) {
	t.Parallel()
	tests, junit := written(t, "x.test.yaml", failingTests), filepath.Join(t.TempDir(), "out", "results.xml")
	w := newTerminal()
	if code := w.run(t.Context(), "test", testLoop, "--tests", tests, "--junit", junit); code != exitProblem {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "test failed", strings.ReplaceAll(w.out.String(), filepath.Dir(tests), "…"))
	text, err := os.ReadFile(junit)
	var doc struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
		} `xml:"testsuite"`
	}
	if err != nil || xml.Unmarshal(text, &doc) != nil || len(doc.Suites) != 1 || doc.Suites[0].Tests != 2 || doc.Suites[0].Failures != 1 {
		t.Errorf("%v %s", err, text)
	}
	w = newTerminal()
	if code := w.run(t.Context(), "test", testLoop, "--tests", tests, "--json"); code != exitProblem || !strings.Contains(w.out.String(), `"failed": 1`) {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	w = newTerminal()
	if code := w.run(t.Context(), "test", testLoop, "--tests", tests, "--run", "^cpu"); code != exitOK || !strings.Contains(w.out.String(), "1 test, 0 failed") {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
}

// Tests are found beside their rules, in any number of files, and those of other rules are not.
func TestTestsAreFoundBesideTheirRules(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(testLoop)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a[1]")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"loop.yaml": string(rules), "loop.test.yaml": strings.Replace(failingTests, "90s", "1m", 1),
		"loop.more.test.yaml": "tests: [{name: nothing, signals: [], expect: []}]", "other.test.yaml": "broken",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newTerminal()
	if code := w.run(t.Context(), "test", filepath.Join(dir, "loop.yaml")); code != exitOK || !strings.Contains(w.out.String(), "3 tests, 0 failed") {
		t.Errorf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
}
