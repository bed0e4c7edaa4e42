package ruletest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
)

// diffLine is one line of a failure, in order of time.
type diffLine struct {
	at   time.Duration
	text string
}

// compare gives "" or a text of what was expected (-), what was made instead (+), and what agrees.
func compare(t Test, made []backtest.Made, wrong []string) string {
	var lines []diffLine
	failed := len(wrong) > 0
	taken := make([]bool, len(made))
	for _, e := range t.Expect {
		i := slices.IndexFunc(made, func(m backtest.Made) bool { return e.is(m, t.start) })
		for i >= 0 && taken[i] { // one decision meets one expectation
			next := slices.IndexFunc(made[i+1:], func(m backtest.Made) bool { return e.is(m, t.start) })
			if next < 0 {
				i = -1
				break
			}
			i += 1 + next
		}
		if i < 0 {
			failed = true
			lines = append(lines, diffLine{e.At.Std(), "- " + e.String()})
			continue
		}
		taken[i] = true
		lines = append(lines, diffLine{e.At.Std(), "  " + madeRow(made[i], t.start)})
		for _, d := range e.differences(made[i]) {
			failed = true
			lines = append(lines, diffLine{e.At.Std(), d})
		}
	}
	for i, m := range made {
		if !taken[i] {
			failed = true
			lines = append(lines, diffLine{m.At.Sub(t.start), "+ " + madeRow(m, t.start)})
		}
	}
	if !failed {
		return ""
	}
	slices.SortStableFunc(lines, func(a, b diffLine) int { return cmp.Compare(a.at, b.at) })
	var out strings.Builder
	out.WriteString("--- expected\n+++ made\n")
	for _, l := range lines {
		out.WriteString(l.text + "\n")
	}
	for _, w := range wrong {
		out.WriteString("! " + w + "\n")
	}
	return out.String()
}

// is says whether m is the decision that is expected, whatever it does.
func (e Expected) is(m backtest.Made, start time.Time) bool {
	return m.RuleID == e.Rule && m.Phase == e.Phase && (e.Key == nil || *e.Key == m.Key) && m.At.Equal(start.Add(e.At.Std()))
}

// differences compares steps, effects, and whether they are muted.
func (e Expected) differences(m backtest.Made) (lines []string) {
	if e.MutedBy != m.MutedBy {
		lines = append(lines, "-     muted_by: "+cmp.Or(e.MutedBy, "none"), "+     muted_by: "+cmp.Or(m.MutedBy, "none"))
	}
	if e.Steps != nil {
		if got := stepsOf(m); !slices.Equal(e.Steps, got) {
			lines = append(lines, "-     steps: "+strings.Join(e.Steps, ", "), "+     steps: "+strings.Join(got, ", "))
		}
	}
	for _, step := range slices.Sorted(maps.Keys(e.Effects)) {
		i := slices.IndexFunc(m.Effects, func(f loop.Effect) bool { return f.Step == step })
		want := plain(e.Effects[step])
		if i < 0 {
			lines = append(lines, "-     "+step+": "+text(want), "+     "+step+": there is no such step")
			continue
		}
		for _, d := range subset(step, want, effectOf(m.Effects[i])) {
			lines = append(lines, "-     "+d.path+": "+text(d.want), "+     "+d.path+": "+text(d.got))
		}
	}
	return lines
}

// effectOf is an effect as a test sees it: a body that is JSON is a value, not a text.
func effectOf(f loop.Effect) any {
	out := map[string]any{"action": f.Action, "target": f.Target, "class": string(f.Class)}
	if r := f.Request; r != nil {
		out["method"], out["url"], out["headers"] = r.Method, r.URL, plain(r.Headers)
		out["body"] = r.Body
		var body any
		if json.Unmarshal([]byte(r.Body), &body) == nil {
			out["body"] = body
		}
	}
	if o := f.Output; o != nil {
		out["output"], out["value"] = o.Key, plain(o.Value)
	}
	return out
}

type deviation struct {
	path      string
	want, got any
}

// subset finds where got is not at least want: of a map every named field, anything else whole.
func subset(path string, want, got any) (out []deviation) {
	w, ok := want.(map[string]any)
	if !ok {
		if text(want) != text(got) {
			return []deviation{{path, want, got}}
		}
		return nil
	}
	g, ok := got.(map[string]any)
	if !ok {
		return []deviation{{path, want, got}}
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		out = append(out, subset(path+"."+name, w[name], g[name])...)
	}
	return out
}

// plain makes of what YAML or Go hold what JSON holds, so that 1 and 1.0 are one number.
func plain(v any) any {
	b, err := json.Marshal(v)
	var out any
	if err != nil || json.Unmarshal(b, &out) != nil {
		return fmt.Sprint(v)
	}
	return out
}

func text(v any) string {
	b, err := loop.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// String is the expected decision as one line.
func (e Expected) String() string {
	key := "any key"
	if e.Key != nil {
		key = *e.Key
	}
	return row(e.At.Std(), e.Rule, key, e.Phase, e.Steps)
}

func madeRow(m backtest.Made, start time.Time) string {
	return row(m.At.Sub(start), m.RuleID, m.Key, m.Phase, stepsOf(m))
}

func row(at time.Duration, rule, key string, phase loop.Phase, steps []string) string {
	s := fmt.Sprintf("%-8s %s  %s  %s", at, rule, key, phase)
	if len(steps) > 0 {
		s += "  " + strings.Join(steps, ", ")
	}
	return s
}

func stepsOf(m backtest.Made) []string {
	steps := make([]string, len(m.Effects))
	for i, f := range m.Effects {
		steps[i] = f.Step
	}
	return steps
}
