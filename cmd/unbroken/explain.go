package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/explain"
	"example.com/unbroken/internal/loop"
)

type explainCmd struct {
	recordingFlags

	Files []string `arg:"" name:"files-or-id" help:"Signals: CloudEvents JSON, or CSV (*.csv); - for stdin. Or one id of a deployed loop: a signal's (with --source), or the key of a signal, decision or effect (64 hex digits)."`
	Rules string   `placeholder:"FILE" help:"The rules (default: as --config)."`
	Rule  string   `placeholder:"ID" help:"Only this rule."`
	Last  bool     `help:"Explain the last signal only; the ones before it fill the windows."`

	Since time.Duration `default:"24h" help:"Of an id: how far back the logs are searched for what a signal led to."`
}

// Help implements kong.HelpProvider.
func (explainCmd) Help() string {
	return `Of files: says of every signal and every rule: matched, or the first field of the pattern that does not; the conditions
with what they look at; the key; the state of its window, which holds the signals before; and the effects, rendered.
Nothing is sent and no region is asked. A signal without a time takes that of the one before.

Of an id: says what a deployed loop decided, and why, as it is stored with the effects: the rule and the bundle it was in,
the values that its condition looked at, the window's newest entries, and what came of each effect: done, or by
which silence, throttle, budget, kill switch or shadow mode it was suppressed. Exits 1 if nothing is known of the id.

  unbroken explain deploy-17 --source ci/checkout
  unbroken explain 5f1c9f… --json
  unbroken explain --rules loop.yaml signal.json
  unbroken explain --rules loop.yaml --rule checkout-errors --last day.jsonl
  unbroken explain events/examples/*.json`
}

// Run implements the command.
func (c explainCmd) Run(ctx context.Context, g *globals, w *world) error {
	if c.deployed() {
		return c.explainDeployed(ctx, g, w)
	}
	file, err := g.file(c.Rules)
	if err != nil {
		return err
	}
	bundle, err := rulesOf(file)
	if err != nil {
		return err
	}
	known := false
	for _, r := range bundle.Config.Rules {
		known = known || r.ID == c.Rule
	}
	if c.Rule != "" && !known {
		return fail(exitUsage, fmt.Errorf("%s has no rule %s", file, c.Rule))
	}
	in, err := c.open(ctx, g, w, c.Files)
	if err != nil {
		return err
	}
	defer in.Close()
	stream, err := backtest.Merge(in.Files)
	if err != nil {
		return err
	}
	x, err := explain.New(bundle)
	if err != nil {
		return err
	}
	var all []explain.Signal
	for n := 1; ; n++ {
		r, err := stream.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s, err := x.Explain(ctx, r)
		if err != nil {
			return err
		}
		if c.Last {
			all = all[:0]
		}
		all = append(all, c.chosen(s))
		if !c.Last && !g.JSON { // as they come: the file may be long
			explained(w.Stdout, n, all[0])
			all = all[:0]
		}
	}
	if g.JSON {
		return printJSON(w.Stdout, map[string]any{"rules": fileHash{file, bundle.Hash}, "signals": all})
	}
	for _, s := range all {
		explained(w.Stdout, 1, s)
	}
	return nil
}

// chosen leaves only the rule that was asked for.
func (c explainCmd) chosen(s explain.Signal) explain.Signal {
	if c.Rule == "" {
		return s
	}
	rules := s.Rules
	s.Rules = []explain.Rule{}
	for _, r := range rules {
		if r.ID == c.Rule {
			s.Rules = append(s.Rules, r)
		}
	}
	return s
}

func explained(out io.Writer, n int, s explain.Signal) {
	if n > 1 {
		_, _ = fmt.Fprintln(out)
	}
	_, _ = fmt.Fprintf(out, "%s %s from %s about %s at %s\n", line(s.Type), line(s.ID), line(s.Source), quoted(s.Subject), s.Time.UTC().Format(time.RFC3339Nano))
	if s.Refused != nil {
		_, _ = fmt.Fprintf(out, "  refused: %s: %s\n", s.Refused.Code, line(s.Refused.Detail))
		return
	}
	for _, r := range s.Rules {
		explainedRule(out, r)
	}
}

func explainedRule(out io.Writer, r explain.Rule) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	switch {
	case r.Off:
		say("  %s: off", r.ID)
		return
	case r.Mismatch != nil:
		want, err := loop.Marshal(r.Mismatch.Want)
		if err != nil {
			want = []byte(err.Error())
		}
		say("  %s: does not match: %s is %s, and must be one of %s", r.ID, r.Mismatch.Field, brief(r.Mismatch.Got), brief(string(want)))
		return
	}
	say("  %s: matches", r.ID)
	for _, c := range []struct {
		name string
		*explain.Condition
	}{{"when", r.When}, {"until", r.Until}, {"verify", r.Verify}} {
		if c.Condition == nil {
			continue
		}
		say("    %-7s %s → %s", c.name, line(c.Expression), c.Value)
		for _, in := range c.Inputs {
			if in.Error != "" {
				say("              %s: %s", in.Name, line(in.Error))
			} else {
				say("              %s = %s", in.Name, brief(in.Value))
			}
		}
	}
	if r.Key != nil {
		say("    key     %s", quoted(r.Key.Value))
	}
	if r.Group != nil {
		say("    group   %s", quoted(r.Group.Value))
	}
	if w := r.Window; w != nil {
		say("    window  %s; %s", describe(w), map[bool]string{true: "open, episode " + strconv.FormatInt(w.Episode, 10), false: "closed"}[w.Open])
	}
	if r.Error != "" {
		say("    fails   %s", line(r.Error))
	}
	for _, d := range r.Decisions {
		say("    decides %s, of %s", d.Phase, d.At.UTC().Format(time.RFC3339Nano))
		if d.MutedBy != "" {
			say("      muted: rule %s fires", d.MutedBy)
		}
		effects(out, d.Effects)
	}
	switch {
	case len(r.Decisions) > 0 || r.Error != "":
	case len(r.Would) > 0:
		say("    decides nothing yet; it would do")
		effects(out, r.Would)
	default:
		say("    decides nothing")
	}
}

// describe counts what a window holds.
func describe(w *explain.Window) string {
	clears := 0
	for _, e := range w.Entries {
		if e.Clears {
			clears++
		}
	}
	text := plural(len(w.Entries)-clears, "hit")
	if clears > 0 {
		text += ", " + plural(clears, "clear")
	}
	if len(w.Entries) > 0 {
		text += " since " + w.Entries[0].Time.UTC().Format(time.RFC3339)
	}
	return text
}

func effects(out io.Writer, list []loop.Effect) {
	for _, e := range list {
		_, _ = fmt.Fprintf(out, "      %s: %s %s", e.Step, e.Action, e.ID[:12])
		if r := e.Request; r != nil {
			_, _ = fmt.Fprintf(out, "\n        %s\n        %s", strings.TrimSpace(r.Method+" "+line(r.URL)), line(r.Body))
		}
		if o := e.Output; o != nil {
			_, _ = fmt.Fprintf(out, "\n        output %s = %s", line(o.Key), line(string(o.Value)))
		}
		_, _ = fmt.Fprintln(out)
	}
}

func quoted(s string) string { return strconv.Quote(line(s)) }
