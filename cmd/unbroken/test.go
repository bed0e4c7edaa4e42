package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/ruletest"
)

type testCmd struct {
	File  string   `arg:"" optional:"" help:"The rules (default: as --config)."`
	Tests []string `placeholder:"FILE" sep:"none" help:"The tests (default: those beside the rules, loop.test.yaml and loop.*.test.yaml). May be repeated."`
	Only  string   `name:"run" placeholder:"REGEXP" help:"Only tests whose name matches."`
	JUnit string   `name:"junit" placeholder:"FILE" help:"Write the results as JUnit XML, too."`
}

// Help implements kong.HelpProvider.
func (testCmd) Help() string {
	return `Plays signals to the rules in virtual time, with the functions' own code, and compares the decisions with those expected.
A test names all decisions of its rules (of all rules, where it names none):

  tests:
    - name: three errors shed load
      rules: [checkout-errors]
      signals:
        - {at: 0s, type: com.example.metric, source: shop/metrics, subject: checkout, data: {error_rate: 0.7}}
        - {at: 1m, time: 30s, type: …}            # event time 30s, arrives at 1m; source and id have defaults
      expect:
        - {at: 1m, rule: checkout-errors, key: checkout, phase: do, steps: [shed, page],
           effects: {shed: {value: {level: high}}}} # what is named must be so: url, method, headers, body, output, value

Beside them: start (2026-01-01T00:00:00Z if not given), and until, for how long to go on where time alone decides.
A key, steps or effects that are not given are not looked at; phase is do (others: undo and, of verify, else). A decision
that another rule inhibits has muted_by: RULE. Failures read like a diff.

Exits 0 if all pass, 1 if one fails, 2 for wrong usage.

  unbroken test localstack/loop.yaml
  unbroken test loop.yaml --run checkout --junit results.xml`
}

// Run implements the command.
func (c testCmd) Run(ctx context.Context, g *globals, w *world) error {
	file, err := g.file(c.File)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return fail(exitUsage, fmt.Errorf("--run: %w", err))
	}
	bundle, err := rulesOf(file)
	if err != nil {
		return err
	}
	files, err := c.files(file)
	if err != nil {
		return err
	}
	var tests []ruletest.Test
	for _, f := range files {
		some, err := ruletest.ParseFile(f, bundle.Config)
		if err != nil {
			return err
		}
		for _, t := range some {
			if only.MatchString(t.Name) {
				tests = append(tests, t)
			}
		}
	}
	if len(tests) == 0 {
		return fail(exitUsage, fmt.Errorf("no test's name matches %q", c.Only))
	}
	results := make([]ruletest.Result, len(tests))
	for i, t := range tests {
		if results[i], err = ruletest.Run(ctx, bundle.Config, t); err != nil {
			return err
		}
	}
	if c.JUnit != "" {
		var text strings.Builder
		if err := ruletest.WriteJUnit(&text, results); err != nil {
			return err
		}
		if err := replace(c.JUnit, []byte(text.String())); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return printResults(g, w, bundle, results)
}

// files are the tests of the rules in file.
func (c testCmd) files(file string) ([]string, error) {
	if len(c.Tests) > 0 {
		return c.Tests, nil
	}
	base := strings.TrimSuffix(file, filepath.Ext(file))
	var found []string
	for _, form := range []string{".test.yaml", ".*.test.yaml"} {
		some, err := filepath.Glob(escaped(base) + form)
		if err != nil {
			return nil, fmt.Errorf("look for tests: %w", err)
		}
		found = append(found, some...)
	}
	if len(found) == 0 {
		return nil, fail(exitUsage, fmt.Errorf("there is no %s.test.yaml: name the tests with --tests", base))
	}
	return found, nil
}

// escaped takes a path for what it is where Glob would see a pattern.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

type resultDoc struct {
	Name    string `json:"name"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Passed  bool   `json:"passed"`
	Failure string `json:"failure,omitempty"`
}

func printResults(g *globals, w *world, b *rule.Bundle, results []ruletest.Result) error {
	failed := 0
	docs := make([]resultDoc, len(results))
	for i, r := range results {
		docs[i] = resultDoc{r.Test.Name, r.Test.File, r.Test.Line, r.Failure == "", r.Failure}
		if r.Failure != "" {
			failed++
		}
	}
	if g.JSON {
		err := printJSON(w.Stdout, map[string]any{"hash": b.Hash, "tests": len(results), "failed": failed, "results": docs})
		if err != nil || failed == 0 {
			return err
		}
		return fail(exitProblem, errSilent)
	}
	for _, d := range docs {
		if d.Passed {
			_, _ = fmt.Fprintf(w.Stdout, "ok    %s\n", line(d.Name))
			continue
		}
		_, _ = fmt.Fprintf(w.Stdout, "FAIL  %s  (%s:%d)\n", line(d.Name), d.File, d.Line)
		for text := range strings.Lines(d.Failure) {
			_, _ = fmt.Fprintf(w.Stdout, "      %s\n", line(strings.TrimSuffix(text, "\n")))
		}
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s, %d failed\n", plural(len(results), "test"), failed)
	if failed > 0 {
		return fail(exitProblem, errSilent)
	}
	return nil
}
