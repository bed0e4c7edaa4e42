package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

type outputsCmd struct {
	Key     string  `arg:"" optional:"" help:"The output's key."`
	Prefix  *string `placeholder:"PREFIX" help:"List the outputs whose keys start with this; --prefix= lists all."`
	History int     `placeholder:"N" help:"Show the last N versions of the key, newest first; at most 10 are kept."`
	Limit   int     `default:"1000" placeholder:"N" help:"List at most this many outputs."`
}

// Help implements kong.HelpProvider.
func (outputsCmd) Help() string {
	return `Without --region the regions are asked in turn until one answers; every one of them has every region's outputs.
A list leaves the values out, and may miss a key that was first written within the last second.
Exits 1 if no output has the key, 4 if no region answers.

  unbroken outputs shed/checkout
  unbroken outputs shed/checkout --region us-west-2 --json
  unbroken outputs shed/checkout --history 5
  unbroken outputs --prefix shed/`
}

// Validate implements kong's hook.
func (c outputsCmd) Validate() error {
	switch {
	case (c.Key == "") == (c.Prefix == nil):
		return errors.New("give either a key or --prefix")
	case c.Prefix != nil && c.History != 0:
		return errors.New("--history is of one key: give it instead of --prefix")
	case c.History < 0 || c.History > loop.MaxOutputVersions:
		return fmt.Errorf("--history: give a number from 1 to %d", loop.MaxOutputVersions)
	case c.Limit < 1:
		return errors.New("--limit: give a number from 1")
	}
	return nil
}

// shown is a version as the command shows it: with its age, and the region that told it.
type shown struct {
	outputs.Answer
	Age    string `json:"age"`
	Region string `json:"region"`
}

// Run implements the command.
func (c outputsCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	if err := r.signed(ctx); err != nil {
		return err
	}
	ask := &asker{http: w.HTTP, sign: r.sign, regions: g.regions(r.cfg)}
	if ask.urls, err = r.anyEndpoint(ctx, g.Endpoint, ask.regions); err != nil {
		return err
	}
	switch {
	case c.Prefix != nil:
		return c.list(ctx, g, w, ask)
	case c.History > 0:
		return c.history(ctx, g, w, ask)
	}
	a, told, err := get(ctx, ask, url.Values{"key": {c.Key}}, func(a outputs.Answer) bool { return a.Key == c.Key })
	if err != nil {
		return c.missing(err)
	}
	return c.print(g, w, shown{Answer: a, Age: told.age(w.Now(), a.WrittenAt), Region: told.region})
}

func (c outputsCmd) missing(err error) error {
	if errors.Is(err, errNoOutput) {
		return fail(exitProblem, fmt.Errorf("%w: %s", err, c.Key))
	}
	return err
}

func (c outputsCmd) print(g *globals, w *world, s shown) error {
	if g.JSON {
		return printJSON(w.Stdout, s)
	}
	t := newTable(w.Stdout)
	t.row("key", line(s.Key))
	t.row("value", line(string(s.Value)))
	t.row("type", line(s.ContentType))
	t.row("age", s.Age+", written "+s.WrittenAt.UTC().Format(time.RFC3339))
	t.row("origin", line(s.Origin)+", read in "+line(s.Region))
	t.row("rule", line(s.RuleID))
	t.row("effect", line(s.EffectID))
	t.row("version", line(s.Version))
	return t.Flush()
}

func (c outputsCmd) history(ctx context.Context, g *globals, w *world, ask *asker) error {
	q := url.Values{"key": {c.Key}, "history": {strconv.Itoa(c.History)}}
	h, told, err := get(ctx, ask, q, func(h outputs.History) bool { return h.Key == c.Key && len(h.Versions) > 0 })
	if err != nil {
		return c.missing(err)
	}
	if g.JSON {
		return printJSON(w.Stdout, struct {
			outputs.History
			Region string `json:"region"`
		}{h, told.region})
	}
	t := newTable(w.Stdout)
	t.row("WRITTEN", "AGE", "ORIGIN", "RULE", "VERSION", "VALUE")
	for _, v := range h.Versions {
		value := excerpt(string(v.Value))
		if v.Omitted {
			value = "(too large to be kept)"
		}
		t.row(v.WrittenAt.UTC().Format(time.RFC3339), age(w.Now(), v.WrittenAt), line(v.Origin), line(v.RuleID), stem(v.Version), value)
	}
	return t.Flush()
}

// maxCell is as much of a value as a column shows.
const maxCell = 60

func excerpt(s string) string {
	s = line(s)
	if runes := []rune(s); len(runes) > maxCell {
		return string(runes[:maxCell]) + "…"
	}
	return cmp.Or(s, "-")
}

// stem is enough of a version to tell it from its neighbours.
func stem(version string) string { return line(version[:min(len(version), 12)]) }
