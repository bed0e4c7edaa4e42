package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

type parkedListCmd struct{ which }

// Help implements kong.HelpProvider.
func (parkedListCmd) Help() string {
	return `Oldest first, with the evidence: what the target said, or why it is not known whether it was sent.

` + scanHelp + ` Exits 0 whether or not something is parked, 4 if no region answers.

  unbroken parked list
  unbroken parked list --action page --json`
}

// Run implements the command.
func (c parkedListCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	f, err := r.parked(ctx, g, w, c.which)
	if err != nil {
		return err
	}
	if g.JSON {
		return printJSON(w.Stdout, f)
	}
	if f.Count == 0 {
		_, _ = fmt.Fprintf(w.Stdout, "nothing is parked (%s looked at%s)\n", plural(f.Scanned, "record"), f.stopped())
		return nil
	}
	t := newTable(w.Stdout)
	t.row("PARKED", "RULE", "KEY", "STEP", "ACTION", "EFFECT", "WHY")
	for _, p := range f.Parked {
		t.row(age(w.Now(), p.ParkedAt), line(p.Rule), line(p.Key), line(p.Phase+"/"+p.Step), line(p.Action), p.ID, line(p.Evidence))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w.Stdout, "%d parked, the oldest %s (%s looked at, %.0f capacity units%s)\n",
		f.Count, age(w.Now(), f.Oldest), plural(f.Scanned, "record"), f.Units, f.stopped())
	return nil
}

type parkedShowCmd struct {
	ID string `arg:"" help:"The effect's id, 64 hex digits, as list and trace print it."`
}

// Help implements kong.HelpProvider.
func (parkedShowCmd) Help() string {
	return `Shows any claim, parked or not. Secrets stand in it by reference only. Exits 1 if there is no such claim, 4 if no
region answers.

  unbroken parked show 5f1c9f…
  unbroken parked show 5f1c9f… --json`
}

// Run implements the command.
func (c parkedShowCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	one, err := r.oneClaim(ctx, g, c.ID)
	if err != nil {
		return err
	}
	if g.JSON {
		return printJSON(w.Stdout, one)
	}
	return showClaim(w, one)
}

// oneClaim reads a claim in the first region that answers.
func (r *reach) oneClaim(ctx context.Context, g *globals, id string) (loop.Claim, error) {
	if !keyForm.MatchString(id) {
		return loop.Claim{}, fail(exitUsage, fmt.Errorf("%q is not an effect's id: give the 64 hex digits that `unbroken parked list` prints", id))
	}
	one, err := r.claim(ctx, g.regions(r.cfg), id)
	switch {
	case errors.Is(err, loop.ErrNotFound):
		return one, fail(exitProblem, fmt.Errorf("no claim of effect %s: it was never claimed, or it ended more than %d days ago and was swept", id, loop.ClaimKeep/(24*time.Hour)))
	case err != nil:
		return one, fail(exitUnreachable, fmt.Errorf("the claim cannot be read: %w", err))
	}
	return one, nil
}

func showClaim(w *world, c loop.Claim) error {
	e, now := c.Effect, w.Now()
	t := newTable(w.Stdout)
	t.row("effect", c.EffectID)
	t.row("state", string(c.Status)+", "+age(now, c.UpdatedAt))
	t.row("why", line(c.Evidence))
	t.row("rule", line(e.RuleID)+", key "+line(e.Key)+", "+line(string(e.Phase)+"/"+e.Step))
	t.row("action", line(e.Action)+" ("+line(e.Target)+", "+string(e.Class)+")")
	t.row("signal", e.SignalKey)
	t.row("accepted", c.AcceptedAt.UTC().Format(time.RFC3339)+", "+age(now, c.AcceptedAt))
	t.row("expires", c.ExpiresAt().UTC().Format(time.RFC3339))
	t.row("attempts", fmt.Sprintf("%d failed; last held by %s, token %d", c.Attempt, line(c.Owner), c.Token))
	if e.Undoes != "" {
		t.row("undoes", e.Undoes)
	}
	if r := e.Request; r != nil {
		t.row("request", line(r.Method+" "+r.URL))
		names := make([]string, 0, len(r.Headers))
		for name := range r.Headers {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.row("", line(name+": "+r.Headers[name]))
		}
		t.row("", line(r.Body))
		t.row("secret", line(r.Secret))
	}
	for _, a := range c.Audit {
		t.row("audit", a.At.UTC().Format(time.RFC3339)+" "+line(a.By)+" "+line(a.What))
	}
	return t.Flush()
}
