package main

import (
	"errors"
	"fmt"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

type validateCmd struct {
	File string `arg:"" optional:"" help:"The file to check (default: as --config)."`
}

// Help implements kong.HelpProvider.
func (validateCmd) Help() string {
	return `All problems come at once, as file:line:column. Warnings say what works but may not be what was meant; they do
not fail. Exits 1 if there is a problem.

  unbroken validate loop.yaml
  unbroken validate loop.yaml --json`
}

// finding is one problem or warning as JSON.
type finding struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func findings(ps []rule.Problem) []finding {
	fs := make([]finding, len(ps)) // never nil: an empty list in JSON
	for i, p := range ps {
		fs[i] = finding(p)
	}
	return fs
}

// Run implements the command.
func (c validateCmd) Run(g *globals, w *world) error {
	file, err := g.file(c.File)
	if err != nil {
		return err
	}
	cfg, err := rule.ParseFile(file, schema.Check)
	broken, isBroken := errors.AsType[*rule.Errors](err)
	if err != nil && !isBroken {
		return err
	}
	var warnings []rule.Problem
	if cfg != nil {
		warnings = rule.Warnings(cfg)
	}
	if g.JSON {
		doc := struct {
			File     string    `json:"file"`
			Valid    bool      `json:"valid"`
			Problems []finding `json:"problems"`
			Warnings []finding `json:"warnings"`
		}{file, !isBroken, []finding{}, findings(warnings)}
		if isBroken {
			doc.Problems = findings(broken.Problems)
		}
		if err := printJSON(w.Stdout, doc); err != nil || !isBroken {
			return err
		}
		return fail(exitProblem, errSilent)
	}
	for _, p := range warnings {
		_, _ = fmt.Fprintf(w.Stdout, "%s: warning: %s\n", file, p)
	}
	if isBroken {
		_, _ = fmt.Fprintln(w.Stdout, broken)
		return fail(exitProblem, fmt.Errorf("%s has %s", file, plural(len(broken.Problems), "problem")))
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s: valid: %s, %s, %s, %s, %s\n", file, summary(cfg),
		plural(len(cfg.Inputs), "input"), plural(len(cfg.Rules), "rule"), plural(len(cfg.Actions), "action"), plural(len(warnings), "warning"))
	return nil
}

func summary(cfg *loop.Config) string {
	s := plural(len(cfg.Regions.Loop), "loop region")
	if cfg.Regions.Witness != "" {
		s += " and a witness"
	}
	return s
}
