package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// silenceCmd is for effects that are not wanted for a while.
type silenceCmd struct {
	Add  silenceAddCmd  `cmd:"" help:"Suppress matching effects for a while: now, or in a maintenance window."`
	List silenceListCmd `cmd:"" help:"List silences and kill switches: who, until when, and why."`
	End  silenceEndCmd  `cmd:"" help:"End a silence before its time."`
}

// maxSilence is the longest one: what nobody remembers must not mute for ever.
const maxSilence = loop.Duration(30 * 24 * time.Hour)

type silenceAddCmd struct {
	Match  []string `required:"" sep:"none" placeholder:"FIELD=VALUE" help:"Which effects: rule, key, action or step; = or !=; * stands for any text. All that are given must hold."`
	For    string   `placeholder:"DURATION" help:"How long, like 30m, 2h or 1d."`
	Until  string   `placeholder:"TIME" help:"Until when instead, in RFC 3339."`
	From   string   `placeholder:"TIME" help:"From when, in RFC 3339; by default from now on."`
	Reason string   `required:"" placeholder:"TEXT" help:"Stands in the evidence of every effect that it suppresses."`
}

// Help implements kong.HelpProvider.
func (silenceAddCmd) Help() string {
	return `A silence covers the effects of signals accepted within it, however late they come: every copy in every region is
judged alike. So that all regions know it in time, it begins 5 s after the command at the earliest. Signals are decided
as before; what is suppressed ends so, with the silence in its evidence, and is not sent when the silence ends. An undo
is never silenced: what was done is taken back. What must stop at once is for unbroken kill.

Exits 2 if a matcher or a time cannot be meant, 1 if there is no room for more silences, 4 if no region answers.

  unbroken silence add --match rule=checkout-errors --match 'key=shop/*' --for 2h --reason "database upgrade"
  unbroken silence add --match action=page --from 2026-03-07T22:00:00Z --until 2026-03-08T02:00:00Z --reason "maintenance"`
}

// silence is what the flags ask for, as of now.
func (c silenceAddCmd) silence(now time.Time) (s loop.Silence, err error) {
	s = loop.Silence{Created: now.UTC(), From: now.UTC().Add(loop.SilenceLead), Reason: c.Reason}
	for _, text := range c.Match {
		m, err := loop.ParseMatcher(text)
		if err != nil {
			return s, err
		}
		s.Match = append(s.Match, m)
	}
	if c.From != "" {
		from, err := time.Parse(time.RFC3339, c.From)
		if err != nil {
			return s, fmt.Errorf("--from %q is not a time like 2026-03-07T22:00:00Z", c.From)
		}
		if from.Before(s.From) {
			return s, fmt.Errorf("--from %s is over, or nearly: a silence cannot cover what regions may have judged already; leave --from out to begin %s from now", c.From, loop.SilenceLead)
		}
		s.From = from.UTC()
	}
	switch {
	case (c.For == "") == (c.Until == ""):
		return s, errors.New("say how long with --for, or until when with --until")
	case c.For != "":
		d, err := loop.ParseDuration(c.For)
		if err != nil {
			return s, fmt.Errorf("--for: %w", err)
		}
		s.Until = s.From.Add(d.Std())
	default:
		until, err := time.Parse(time.RFC3339, c.Until)
		if err != nil {
			return s, fmt.Errorf("--until %q is not a time like 2026-03-08T02:00:00Z", c.Until)
		}
		s.Until = until.UTC()
	}
	switch d := s.Until.Sub(s.From); {
	case d <= 0:
		return s, errors.New("it would end before it begins")
	case d > maxSilence.Std():
		return s, fmt.Errorf("a silence lasts 30 days at most, not %s: what nobody wants any more is taken out of loop.yaml, or its rule's mode is shadow", d)
	}
	return s, nil
}

// Run implements the command.
func (c silenceAddCmd) Run(ctx context.Context, g *globals, w *world) error {
	s, err := c.silence(w.Now())
	if err != nil {
		return fail(exitUsage, err)
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	s.By = r.Who(ctx)
	// The same command a moment later is another silence; the same one tried in another region is not.
	s.ID = "s-" + loop.H("silence", s.By, s.Created.Format(time.RFC3339Nano), strings.Join(c.Match, " "))[:8]
	_, err = r.edit(ctx, g.regions(r.cfg), func(now loop.Controls) (loop.Controls, bool, error) {
		next, err := now.WithSilence(s, w.Now())
		return next, len(next.Log) != len(now.Log) || len(next.Silences) != len(now.Silences), err
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return printJSON(w.Stdout, s)
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s: %s from %s until %s\n", s.ID, line(matched(s.Match)), moment(s.From), moment(s.Until))
	return nil
}

func matched(ms []loop.Matcher) string {
	all := make([]string, len(ms))
	for i, m := range ms {
		all[i] = m.String()
	}
	return strings.Join(all, " ")
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

type silenceEndCmd struct {
	ID string `arg:"" help:"The silence's id, as add and list print it."`
}

// Help implements kong.HelpProvider.
func (silenceEndCmd) Help() string {
	return `It ends 5 s from now, so that all regions know of it in time; what it suppressed stays so. Exits 1 if there is no such
silence, 4 if no region answers. Run again, the command changes nothing.

  unbroken silence end s-1f9c20ab`
}

// Run implements the command.
func (c silenceEndCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	by := r.Who(ctx)
	stored, err := r.edit(ctx, g.regions(r.cfg), func(now loop.Controls) (loop.Controls, bool, error) {
		next, found, changed := now.WithoutSilence(c.ID, w.Now(), by)
		if !found {
			return now, false, fail(exitProblem, fmt.Errorf("there is no silence %s: `unbroken silence list` shows those there are", c.ID))
		}
		return next, changed, nil
	})
	if err != nil {
		return err
	}
	for _, s := range stored.Silences {
		if s.ID != c.ID {
			continue
		}
		if g.JSON {
			return printJSON(w.Stdout, s)
		}
		_, _ = fmt.Fprintf(w.Stdout, "%s: ends %s\n", s.ID, moment(s.Until))
	}
	return nil
}
