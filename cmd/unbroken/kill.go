package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.com/unbroken/internal/loop"
)

// scope names the rules that a switch is about.
type scope struct {
	Rule string `arg:"" optional:"" help:"The rule's id."`
	All  bool   `help:"All rules of the deployment."`
}

func (s scope) name() (string, error) {
	switch {
	case s.All == (s.Rule != ""):
		return "", fail(exitUsage, errors.New("name a rule, or give --all"))
	case s.All:
		return loop.ScopeAll, nil
	case s.Rule == loop.ScopeAll:
		return "", fail(exitUsage, errors.New("give --all for all rules"))
	}
	return s.Rule, nil
}

// said is the scope in a sentence.
func said(scope string) string {
	if scope == loop.ScopeAll {
		return "all rules"
	}
	return "rule " + scope
}

// warn says so where loop.yaml has no such rule. That is no reason to refuse: in an emergency the file here may not be
// the one that is deployed.
func (s scope) warn(r *reach, w *world) {
	if s.Rule != "" && !slices.ContainsFunc(r.cfg.Rules, func(one loop.Rule) bool { return one.ID == s.Rule }) {
		_, _ = fmt.Fprintf(w.Stderr, "unbroken: the loop.yaml here has no rule %s; it is done all the same\n", line(s.Rule))
	}
}

type killCmd struct {
	scope
	Reason string `required:"" placeholder:"TEXT" help:"Stands in the evidence of every effect that it stops."`
}

// Help implements kong.HelpProvider.
func (killCmd) Help() string {
	return `Within a second nothing more of the rule is sent, in any region: no new effect, no retry, no undo. What was surely not
sent ends as suppressed, and does not burst out when the rule is revived. What may have been applied, and the undo of
what was done, is parked: see unbroken parked. Signals are decided as before. It stays so until unbroken revive;
unbroken silence list shows it. Run again, the command changes nothing.

Exits 4 if no region answers: then nothing can be sent either, unless a region is cut off from you only.

  unbroken kill checkout-errors --reason "it sheds everything"
  unbroken kill --all --reason "drill"`
}

// Run implements the command.
func (c killCmd) Run(ctx context.Context, g *globals, w *world) error {
	name, err := c.name()
	if err != nil {
		return err
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	c.warn(r, w)
	by := r.Who(ctx)
	stored, err := r.edit(ctx, g.regions(r.cfg), func(now loop.Controls) (loop.Controls, bool, error) {
		next, changed := now.WithKill(loop.Kill{Scope: name, By: by, Reason: c.Reason, At: w.Now()})
		return next, changed, nil
	})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(stored.Kills, func(k loop.Kill) bool { return k.Scope == name })
	k := stored.Kills[i]
	if g.JSON {
		return printJSON(w.Stdout, k)
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s: stopped by %s, %s: %s\n", said(name), line(k.By), age(w.Now(), k.At), line(k.Reason))
	return nil
}

type reviveCmd struct {
	scope
	Reason string `placeholder:"TEXT" help:"For the log of changes."`
}

// Help implements kong.HelpProvider.
func (reviveCmd) Help() string {
	return `What was accepted from now on is sent again; what was suppressed meanwhile stays so, and what was parked waits for
unbroken parked retry. A rule stays stopped while all are: revive --all ends only the switch over all rules. A rule
that stopped itself (guard.max_regressions) is revived like this, too. Exits 1 if there is no such switch, 4 if no
region answers.

  unbroken revive checkout-errors --reason "threshold corrected"
  unbroken revive --all`
}

// Run implements the command.
func (c reviveCmd) Run(ctx context.Context, g *globals, w *world) error {
	name, err := c.name()
	if err != nil {
		return err
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	by, found := r.Who(ctx), false
	left, err := r.edit(ctx, g.regions(r.cfg), func(now loop.Controls) (loop.Controls, bool, error) {
		next, changed := now.WithoutKill(name, w.Now(), by, c.Reason)
		found = found || changed
		return next, changed, nil
	})
	switch {
	case err != nil:
		return err
	case !found:
		return fail(exitProblem, fmt.Errorf("%s: no kill switch is on; `unbroken silence list` shows those that are", said(name)))
	}
	if g.JSON {
		return printJSON(w.Stdout, map[string]any{"scope": name, "revived": true, "kills": append([]loop.Kill{}, left.Kills...)})
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s: revived\n", said(name))
	for _, k := range left.Kills {
		_, _ = fmt.Fprintf(w.Stdout, "%s: still stopped by %s, %s: %s\n", said(k.Scope), line(k.By), age(w.Now(), k.At), line(k.Reason))
	}
	return nil
}
