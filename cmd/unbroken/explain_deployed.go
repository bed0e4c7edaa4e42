package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// deployed says whether an id of a deployed loop is asked about, and not files. Only rows of a CSV need a --source, and
// they need --as as well.
func (c explainCmd) deployed() bool {
	return len(c.Files) == 1 && (keyForm.MatchString(c.Files[0]) || c.Source != "" && c.As == "")
}

// deployedEffect is an effect of a deployed loop with all that its claim says of the reasons.
type deployedEffect struct {
	ID         string       `json:"id"`
	Decision   string       `json:"decision"`
	SignalKey  string       `json:"signalKey"`
	Rule       string       `json:"rule"`
	Key        string       `json:"key"`
	Phase      loop.Phase   `json:"phase"`
	Step       string       `json:"step"`
	Action     string       `json:"action"`
	Target     string       `json:"target"`
	AcceptedAt time.Time    `json:"acceptedAt"`
	Why        *loop.Why    `json:"why,omitempty"`
	Limits     []string     `json:"limits,omitempty"` // what its rule asked for before it may land
	Status     loop.Status  `json:"status"`
	Evidence   string       `json:"evidence,omitempty"` // what stopped it, or what the target said
	Attempt    int          `json:"attempt"`
	Audit      []loop.Audit `json:"audit,omitempty"` // what people did to it
	UpdatedAt  time.Time    `json:"updatedAt"`
}

// explainDeployed tells why, from the claims of the effects: they outlive logs and rules.
func (c explainCmd) explainDeployed(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	id, t := c.Files[0], &trace{Effects: []traceEffect{}}
	answered := false
	if c.Source == "" { // an effect, or a decision; neither needs the logs
		answered = r.claimed(ctx, g.regions(r.cfg), nil, named(r.cfg, id), t)
	} else {
		id = loop.SignalKey(c.Source, id)
	}
	if len(t.Effects) == 0 {
		missing := t.Missing
		t, err = r.trace(ctx, g.regions(r.cfg), id, w.Now().Add(-c.Since))
		if err != nil && !answered {
			return err
		}
		t.Missing = append(missing, t.Missing...)
	}
	effects := []deployedEffect{}
	for _, e := range t.Effects {
		if e.Status != "" && (c.Rule == "" || c.Rule == e.Rule) {
			effects = append(effects, explainedClaim(e.claim))
		}
	}
	if g.JSON {
		err = printJSON(w.Stdout, map[string]any{"id": id, "effects": effects, "summary": t.Summary, "missing": t.Missing})
	} else {
		tellDeployed(w.Stdout, effects)
		for _, m := range t.Missing {
			_, _ = fmt.Fprintln(w.Stdout, "not known: "+line(m))
		}
	}
	if err == nil && len(effects) == 0 {
		why := cmp.Or(t.Summary, "no signal, decision or effect has this id")
		return fail(exitProblem, errors.New(line(why)+"; `unbroken trace` shows what the logs say, and `unbroken explain FILE` what the rules make of the signal"))
	}
	return err
}

// named are the effects that id may be, or be the decision of.
func named(cfg *loop.Config, id string) []traceEffect {
	list := []traceEffect{{ID: id}}
	seen := map[string]bool{}
	for _, r := range cfg.Rules {
		steps := slices.Concat(r.Do, r.Undo)
		if r.Verify != nil {
			steps = append(steps, r.Verify.Else...)
		}
		for _, s := range steps {
			step := cmp.Or(s.Step, s.Action)
			if effect := loop.EffectID(id, step); !seen[effect] {
				seen[effect] = true
				list = append(list, traceEffect{ID: effect, Step: step}, traceEffect{ID: loop.FallbackID(effect), Step: step})
			}
		}
	}
	return list
}

func explainedClaim(c loop.Claim) deployedEffect {
	e := c.Effect
	d := deployedEffect{
		ID: c.EffectID, Decision: e.DecisionID, SignalKey: e.SignalKey, Rule: e.RuleID, Key: e.Key, Phase: e.Phase, Step: e.Step,
		Action: e.Action, Target: e.Target, AcceptedAt: c.AcceptedAt, Why: e.Why, Status: c.Status, Evidence: c.Evidence,
		Attempt: c.Attempt, Audit: c.Audit, UpdatedAt: c.UpdatedAt,
	}
	if e.Shadow {
		d.Limits = append(d.Limits, "shadow: recorded, never sent")
	}
	if e.Budget > 0 {
		d.Limits = append(d.Limits, fmt.Sprintf("budget: at most %d an hour", e.Budget))
	}
	if e.Throttle > 0 {
		d.Limits = append(d.Limits, "throttle: "+e.Throttle.String()+" apart from the last one of its key")
	}
	for _, by := range e.InhibitedBy {
		d.Limits = append(d.Limits, fmt.Sprintf("inhibited by: rule %s, while it fires for %q", by.Rule, by.Key))
	}
	if e.Approval {
		d.Limits = append(d.Limits, "approval: "+cmp.Or(c.ApprovedBy, "of nobody yet"))
	}
	return d
}

func tellDeployed(out io.Writer, effects []deployedEffect) {
	for i, e := range effects {
		say := func(name, format string, args ...any) {
			_, _ = fmt.Fprintf(out, "  %-8s %s\n", name, line(fmt.Sprintf(format, args...)))
		}
		if i > 0 {
			_, _ = fmt.Fprintln(out)
		}
		_, _ = fmt.Fprintf(out, "%s: %s %s (%s) %s\n", line(e.Rule), e.Phase, line(e.Step), line(e.Action), e.ID)
		say("key", "%q", e.Key)
		if y := e.Why; y != nil {
			say("signal", "%s from %s, of %s, accepted %s", y.ID, y.Source, stamp(y.Time), stamp(e.AcceptedAt))
			say("bundle", "%s", cmp.Or(y.Bundle, "unknown"))
			say("when", "%s", cmp.Or(y.When, "always"))
			for _, v := range y.Values {
				say("", "  %s = %s", v.Name, v.Value)
			}
			tellWindow(say, y.Window)
			tellGroup(say, y.Group)
			if m := y.Missed; m != nil {
				say("missed", "%s: of no signal that was accepted before %s", m.When, stamp(m.Until))
			}
		} else {
			say("signal", "%s, accepted %s", e.SignalKey, stamp(e.AcceptedAt))
		}
		for _, l := range e.Limits {
			say("limit", "%s", l)
		}
		status := string(e.Status) + " at " + stamp(e.UpdatedAt)
		if e.Evidence != "" {
			status += ": " + e.Evidence
		}
		say("status", "%s", status)
		for _, a := range e.Audit {
			say("people", "%s by %s, %s", a.What, a.By, stamp(a.At))
		}
	}
}

func tellWindow(say func(name, format string, args ...any), w *loop.WhyWindow) {
	if w == nil {
		return
	}
	say("window", "%s; the newest:", plural(w.Held, "signal"))
	for _, n := range w.Newest {
		text := stamp(n.Time) + " " + n.SignalKey[:min(12, len(n.SignalKey))]
		switch {
		case n.Clears:
			text += " clears"
		case n.Misses:
			text += " does not count"
		case n.Value != 0:
			text += fmt.Sprintf(" = %g", n.Value)
		}
		say("", "  %s", text)
	}
}

func tellGroup(say func(name, format string, args ...any), g *loop.WhyGroup) {
	if g == nil {
		return
	}
	say("group", "%s until %s:", groupSize(g), stamp(g.Until))
	for _, m := range g.Members {
		say("", "  %s: %s from %s, of %s", m.Key, m.ID, m.Source, stamp(m.Time))
	}
	if rest := g.Keys - len(g.Members); rest > 0 {
		say("", "  and %d more", rest)
	}
}

func groupSize(g *loop.WhyGroup) string {
	size := plural(g.Keys, "key")
	if g.Full {
		size = "at least " + size
	}
	return size
}

// because is the reason in one line.
func because(y *loop.Why) string {
	var parts []string
	for _, v := range y.Values {
		parts = append(parts, v.Name+" = "+v.Value)
	}
	if y.When == "" {
		parts = append(parts, "the pattern matches")
	}
	if y.Window != nil {
		parts = append(parts, plural(y.Window.Held, "signal")+" in the window")
	}
	if y.Group != nil {
		parts = append(parts, groupSize(y.Group)+" in the group")
	}
	if y.Missed != nil {
		parts = append(parts, "no "+y.Missed.When+" before "+stamp(y.Missed.Until))
	}
	return strings.Join(append(parts, "bundle "+cmp.Or(y.Bundle[:min(12, len(y.Bundle))], "unknown")), ", ")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
