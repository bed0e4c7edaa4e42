package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
)

type backtestCmd struct {
	recordingFlags

	Files   []string `arg:"" help:"Recorded signals: CloudEvents as JSON lines, or CSV of timestamp,value (*.csv); .gz of either; s3://bucket/prefix of an archive; - for stdin."`
	Rules   string   `placeholder:"FILE" help:"The new rules (default: as --config)."`
	Against string   `placeholder:"FILE" help:"The old rules, to compare the decisions with. Without it they are only counted."`
	Labels  string   `placeholder:"FILE" help:"Times at which something was wrong, by file: {\"a.csv\": [[\"from\", \"to\"]]}."`
	First   int      `default:"20" help:"How many differences to list."`
	Workers int      `default:"0" help:"Batches that are decided at once (default: one per core)."`
}

// Help implements kong.HelpProvider.
func (backtestCmd) Help() string {
	return `Decides recorded signals with the functions' own code, as if they arrived at their own times, and compares the decisions
of two sets of rules: a decision is the same where rule, key, phase and time are, and changed where its effects differ.
Files are merged by event time. Signals without a time take that of the signal before. What act does is not played:
a throttle, a silence or a budget may keep a decision's effects from landing.

With --labels each rule is scored on the labelled files that it saw: a window is detected if the rule opened in it, a
decision outside of all windows is false.

Exits 0 if the decisions are the same (or there is nothing to compare with), 1 if they differ, 2 for wrong usage.

  unbroken backtest --rules new.yaml --against loop.yaml signals.jsonl.gz
  unbroken backtest --rules loop.yaml --as com.example.cpu --labels windows.json ec2_*.csv
  unbroken backtest --rules new.yaml --against loop.yaml s3://shop-archive-123456789012-us-east-2/archive/us-east-2/default/2026/03/
  cat march/*.jsonl | unbroken backtest --rules new.yaml --against old.yaml --json -`
}

// Run implements the command.
func (c backtestCmd) Run(ctx context.Context, g *globals, w *world) error {
	if c.First < 0 {
		return fail(exitUsage, errors.New("--first must not be negative"))
	}
	file, err := g.file(c.Rules)
	if err != nil {
		return err
	}
	now, err := rulesOf(file)
	if err != nil {
		return err
	}
	var old *rule.Bundle
	if c.Against != "" {
		if old, err = rulesOf(c.Against); err != nil {
			return err
		}
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
	r := backtested{cmd: &c, rules: file, now: now, old: old, diff: backtest.NewDiff(configOf(old), now.Config, c.First)}
	if err := c.label(&r); err != nil {
		return err
	}
	p, began := w.progress(g), w.Now()
	defer backtest.Roomy()()
	err = backtest.Run(ctx, backtest.Config{
		Old: configOf(old), New: now.Config, Source: stream, Workers: c.Workers,
		Seen: func(s backtest.Step) error {
			r.add(s)
			if r.batches%16 == 0 {
				p.bar(in.read.Load(), in.Size, "%s, %s a second", plural(r.signals, "signal"), perSecond(r.signals, w.Now().Sub(began)))
			}
			return nil
		},
	})
	p.end()
	if err != nil {
		return err
	}
	r.diff.Close()
	r.took = w.Now().Sub(began)
	return r.print(g, w)
}

// rulesOf reads a loop.yaml and makes of it what the functions carry: the hash stands in every decision there.
func rulesOf(file string) (*rule.Bundle, error) {
	cfg, err := rule.ParseFile(file, schema.Check)
	if err != nil {
		return nil, err
	}
	packed, err := rule.Pack(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rule.Load(packed)
}

func configOf(b *rule.Bundle) *loop.Config {
	if b == nil {
		return nil
	}
	return b.Config
}

// label makes a scorer per side, where there are labels.
func (c backtestCmd) label(r *backtested) error {
	if c.Labels == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Clean(c.Labels))
	if err != nil {
		return fmt.Errorf("read the labels: %w", err)
	}
	labels, err := backtest.ParseLabels(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Labels, err)
	}
	files, some := make([]*[]backtest.Span, len(c.Files)), false
	for i, name := range c.Files {
		for _, known := range []string{name, filepath.Base(name), bareName(name)} {
			if spans, ok := labels[known]; ok {
				files[i], some = &spans, true
				break
			}
		}
	}
	if !some {
		return fail(exitUsage, fmt.Errorf("%s has no label for any of the files", c.Labels))
	}
	r.scorer = backtest.NewScorer(files)
	if r.old != nil {
		r.oldScorer = backtest.NewScorer(files)
	}
	return nil
}

func perSecond(n int, in time.Duration) string {
	if in <= 0 {
		return "…"
	}
	return fmt.Sprintf("%.0f", float64(n)/in.Seconds())
}
