package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// backtested gathers what a backtest shows.
type backtested struct {
	cmd      *backtestCmd
	rules    string
	now, old *rule.Bundle
	diff     *backtest.Diff
	// nil without labels, and without old rules
	scorer, oldScorer *backtest.Scorer

	signals, batches, refused int
	from, to                  time.Time
	refusals                  []backtest.Refused         // the first of them
	failures                  map[string]backtest.Failed // the first of each rule
	took                      time.Duration
}

// maxRefusals is how many refused signals are shown.
const maxRefusals = 3

func (r *backtested) add(s backtest.Step) {
	r.batches++
	r.signals += s.Signals
	r.refused += len(s.Refused)
	r.refusals = append(r.refusals, s.Refused[:min(len(s.Refused), maxRefusals-len(r.refusals))]...)
	if r.from.IsZero() {
		r.from = s.Oldest
	}
	r.to = s.Newest
	for _, f := range s.New.Failed {
		if _, known := r.failures[f.Rule]; !known {
			if r.failures == nil {
				r.failures = map[string]backtest.Failed{}
			}
			r.failures[f.Rule] = f
		}
	}
	r.diff.Add(s.Old, s.New)
	if r.scorer != nil {
		r.scorer.Add(s.New)
	}
	if r.oldScorer != nil {
		r.oldScorer.Add(*s.Old)
	}
}

// ruleIDs are the new rules in the order of their file, then those that only the old file has.
func (r *backtested) ruleIDs() (ids []string) {
	seen := map[string]bool{}
	for _, b := range []*rule.Bundle{r.now, r.old} {
		if b == nil {
			continue
		}
		for _, p := range b.Set.Programs() {
			if id := p.ID(); !seen[id] {
				seen[id], ids = true, append(ids, id)
			}
		}
	}
	return ids
}

// differences is the number of decisions that are not shared.
func (r *backtested) differences() (n int) {
	for _, c := range r.diff.Rules {
		n += c.Added + c.Removed + c.Changed
	}
	return n
}

func (r *backtested) print(g *globals, w *world) error {
	n := r.differences()
	if g.JSON {
		if err := printJSON(w.Stdout, r.json()); err != nil || n == 0 {
			return err
		}
		return fail(exitProblem, errSilent)
	}
	out := w.Stdout
	if r.signals == 0 {
		_, _ = fmt.Fprintln(out, "no signal")
		return nil
	}
	_, _ = fmt.Fprintf(out, "%s from %s to %s, decided by %s (%.12s)", plural(r.signals, "signal"),
		r.from.Format(time.DateTime), r.to.Format(time.DateTime), r.rules, r.now.Hash)
	if r.old != nil {
		_, _ = fmt.Fprintf(out, " and by %s (%.12s)", r.cmd.Against, r.old.Hash)
	}
	_, _ = fmt.Fprint(out, "\n\n")
	r.printCounts(newTable(out))
	if r.oldScorer != nil {
		_, _ = fmt.Fprint(out, "\nlabels, old rules\n")
		r.printScores(newTable(out), r.oldScorer.Scores())
	}
	if r.scorer != nil {
		_, _ = fmt.Fprintf(out, "\nlabels%s\n", map[bool]string{true: ", new rules"}[r.old != nil])
		r.printScores(newTable(out), r.scorer.Scores())
	}
	r.printNotes(w)
	if n == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(out, "\n%s", plural(n, "difference"))
	if n > len(r.diff.First) {
		_, _ = fmt.Fprintf(out, ", the first %d", len(r.diff.First))
	}
	_, _ = fmt.Fprintln(out)
	t := newTable(out)
	for _, d := range r.diff.First {
		sign := map[backtest.Kind]string{backtest.Added: "+", backtest.Removed: "-", backtest.Changed: "~"}[d.Kind]
		t.row(sign, d.At.UTC().Format(time.RFC3339), d.RuleID, line(d.Key), string(d.Phase), what(d))
	}
	_ = t.Flush()
	return fail(exitProblem, errSilent)
}

func (r *backtested) printCounts(t table) {
	if r.old == nil {
		t.row("rule", "signals", "decisions", "late", "failed")
	} else {
		t.row("rule", "signals", "old", "new", "same", "added", "removed", "changed", "late", "failed")
	}
	for _, id := range r.ruleIDs() {
		c := r.diff.Rules[id]
		if r.old == nil {
			t.row(cells(id, c.Signals, c.New, c.Late, c.Failed)...)
		} else {
			t.row(cells(id, c.Signals, c.Old, c.New, c.Same, c.Added, c.Removed, c.Changed, c.Late, c.Failed)...)
		}
	}
	_ = t.Flush()
}

func (r *backtested) printScores(t table, scores map[string]backtest.Score) {
	t.row("rule", "windows", "detected", "missed", "false", "precision", "recall")
	for _, id := range r.ruleIDs() {
		s, ok := scores[id]
		if !ok {
			continue
		}
		t.row(append(cells(id, s.Windows, s.Detected, s.Missed, s.False), percent(s.Precision()), percent(s.Recall()))...)
	}
	_ = t.Flush()
}

func (r *backtested) printNotes(w *world) {
	if r.refused > 0 {
		_, _ = fmt.Fprintf(w.Stdout, "\n%s left out: no region would take them\n", plural(r.refused, "signal"))
		for _, f := range r.refusals {
			_, _ = fmt.Fprintf(w.Stdout, "  %s: signal %d: %s: %s\n", r.cmd.Files[f.File], f.N, f.Code, line(f.Detail))
		}
	}
	for _, id := range r.ruleIDs() {
		if n := r.diff.Rules[id].Muted; n > 0 {
			_, _ = fmt.Fprintf(w.Stdout, "\nrule %s: %s muted by other rules\n", id, plural(n, "decision"))
		}
	}
	for _, id := range r.ruleIDs() {
		if f, ok := r.failures[id]; ok {
			_, _ = fmt.Fprintf(w.Stdout, "\nrule %s failed on %s, first with %s: %s\n", id, plural(r.diff.Rules[id].Failed, "signal"), f.Code, line(f.Detail))
		}
	}
}

// what says which effects a difference is about.
func what(d backtest.Difference) string {
	if d.Kind != backtest.Changed {
		return steps(d.Effects)
	}
	if was, is := d.Was.MutedBy, d.MutedBy; was != is {
		return "muted by " + cmp.Or(was, "none") + " → " + cmp.Or(is, "none")
	}
	return firstChange(d.Was.Effects, d.Effects)
}

func steps(effects []loop.Effect) string {
	names := make([]string, len(effects))
	for i, e := range effects {
		names[i] = e.Step
	}
	return strings.Join(names, ", ")
}

// firstChange names the first effect that differs, and how.
func firstChange(was, is []loop.Effect) string {
	if a, b := steps(was), steps(is); a != b {
		return a + " → " + b
	}
	for i := range was {
		for _, part := range backtest.Parts(&was[i], &is[i]) {
			if part.Was != part.Is {
				return fmt.Sprintf("%s: %s: %s → %s", is[i].Step, part.Name, brief(part.Was), brief(part.Is))
			}
		}
	}
	return steps(is)
}

func brief(s string) string {
	const most = 60
	s = line(s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return cmp.Or(s, "nothing")
}

func cells(id string, ns ...int) []string {
	out := []string{id}
	for _, n := range ns {
		out = append(out, strconv.Itoa(n))
	}
	return out
}

func percent(p float64, ok bool) string {
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*p)
}
