package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

type silenceListCmd struct {
	Ended bool `help:"Those that have ended, too: they are kept for seven days."`
}

// Help implements kong.HelpProvider.
func (silenceListCmd) Help() string {
	return `What an effect was suppressed by stands in its evidence: see unbroken explain and unbroken parked show. Exits 0 whether or
not there is one, 4 if no region answers.

  unbroken silence list
  unbroken silence list --ended --json`
}

// listedSilence is a silence with what it is now.
type listedSilence struct {
	State string `json:"state"` // on | coming | ended
	loop.Silence
}

func stateOf(s loop.Silence, now time.Time) string {
	switch {
	case !now.Before(s.Until):
		return "ended"
	case now.Before(s.From):
		return "coming"
	}
	return "on"
}

// Run implements the command.
func (c silenceListCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	stored, err := r.controls(ctx, g.regions(r.cfg))
	if err != nil {
		return err
	}
	silences := []listedSilence{}
	for _, s := range stored.Silences {
		if state := stateOf(s, w.Now()); c.Ended || state != "ended" {
			silences = append(silences, listedSilence{state, s})
		}
	}
	slices.SortStableFunc(silences, func(a, b listedSilence) int { return a.From.Compare(b.From) })
	if g.JSON {
		return printJSON(w.Stdout, map[string]any{
			"silences": silences, "kills": append([]loop.Kill{}, stored.Kills...), "changes": append([]loop.Audit{}, stored.Log...),
		})
	}
	for _, k := range stored.Kills {
		_, _ = fmt.Fprintf(w.Stdout, "%s: stopped by %s, %s: %s\n", said(k.Scope), line(k.By), age(w.Now(), k.At), line(k.Reason))
	}
	if len(silences) == 0 {
		_, _ = fmt.Fprintln(w.Stdout, "no silences")
		return nil
	}
	t := newTable(w.Stdout)
	t.row("SILENCE", "STATE", "FROM", "UNTIL", "MATCHES", "BY", "REASON")
	for _, s := range silences {
		t.row(line(s.ID), s.State, moment(s.From), moment(s.Until), line(matched(s.Match)), line(s.By), line(s.Reason))
	}
	return t.Flush()
}
