package dev

import (
	"context"
	"fmt"
	"strings"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Event is one thing that happened.
type Event struct {
	After   time.Duration `json:"-"` // since the start
	Seconds float64       `json:"seconds"`
	Region  string        `json:"region"`
	What    string        `json:"what"` // accepted, refused, decided, landed, …
	Rule    string        `json:"rule,omitempty"`
	Key     string        `json:"key,omitempty"`
	Phase   string        `json:"phase,omitempty"`
	Step    string        `json:"step,omitempty"`
	Status  string        `json:"status,omitempty"`
	ID      string        `json:"id,omitempty"`
	Detail  string        `json:"detail,omitempty"`
}

// String is the event as one line.
func (e Event) String() string {
	var parts []string
	for _, p := range []string{e.Rule, e.Key, e.Phase, e.Step, e.Status} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if e.ID != "" {
		parts = append(parts, "#"+e.ID[:min(len(e.ID), 8)])
	}
	if e.Detail != "" {
		parts = append(parts, "— "+e.Detail)
	}
	return fmt.Sprintf("%8.3fs  %-11s %-12s %s", e.After.Seconds(), e.Region, e.What, strings.Join(parts, " "))
}

func (w *World) say(e Event) {
	w.saying.Lock()
	defer w.saying.Unlock()
	e.After = w.cfg.Now().Sub(w.started)
	e.Seconds = e.After.Seconds()
	w.cfg.Say(e)
}

type ingestEvents struct{ r *loopRegion }

func (i ingestEvents) Accepted(_ context.Context, input string, keys []string, copies int) {
	for _, k := range keys {
		i.r.w.say(Event{Region: i.r.name, What: "accepted", ID: k, Detail: fmt.Sprintf("input %s, %d copies", input, copies)})
	}
}

func (i ingestEvents) Refused(_ context.Context, input string, code loop.Code, n int) {
	i.r.w.say(Event{Region: i.r.name, What: "refused", Detail: fmt.Sprintf("input %s: %d × %s", input, n, code)})
}

func (i ingestEvents) Unarchived(_ context.Context, input string, n int) {
	i.r.w.say(Event{Region: i.r.name, What: "unarchived", Detail: fmt.Sprintf("input %s: %d", input, n)})
}

type decideEvents struct{ r *loopRegion }

func (d decideEvents) Decided(_ context.Context, made loop.Decision, item loop.Item) {
	what := "decided"
	if item.Standby {
		what = "decided too" // from the standby copy; the claims let one of both act
	}
	if made.Joins != nil {
		d.r.w.say(Event{Region: d.r.name, What: "joined", Rule: made.RuleID, Key: made.Key, ID: made.SignalKey})
		return
	}
	for _, e := range made.Effects {
		d.r.w.say(Event{Region: d.r.name, What: what, Rule: made.RuleID, Key: made.Key, Phase: string(made.Phase), Step: e.Step, ID: e.ID})
	}
}

func (d decideEvents) Overflow(context.Context, string) {}

func (d decideEvents) Late(_ context.Context, ruleID, signalKey string) {
	d.r.w.say(Event{Region: d.r.name, What: "suppressed", Rule: ruleID, ID: signalKey, Detail: "late"})
}

func (d decideEvents) Quarantined(_ context.Context, q loop.Quarantine, _ loop.Item) {
	d.r.w.say(Event{Region: d.r.name, What: "quarantined", Rule: q.Rule, Detail: q.Detail})
}

func (d decideEvents) Retried(_ context.Context, _ loop.Item, after time.Duration, cause error) {
	d.r.w.say(Event{Region: d.r.name, What: "decide again", Detail: fmt.Sprintf("in %s: %v", after.Round(time.Millisecond), cause)})
}

func (d decideEvents) Batch(_ context.Context, _ []loop.Item, unmatched int) {
	if unmatched > 0 {
		d.r.w.say(Event{Region: d.r.name, What: "unmatched", Detail: fmt.Sprintf("%d signals that no rule wants", unmatched)})
	}
}

type actEvents struct{ r *loopRegion }

func (a actEvents) Landed(_ context.Context, l *act.Landing) {
	what := "landed"
	if l.Repeat {
		what = "had landed"
	}
	e := l.Item.Effect
	a.r.w.say(Event{
		Region: a.r.name, What: what, Rule: e.RuleID, Key: e.Key, Phase: string(e.Phase), Step: e.Step,
		Status: string(l.Status), ID: e.ID, Detail: l.Claim.Evidence,
	})
}

func (a actEvents) Retried(_ context.Context, l *act.Landing, after time.Duration) {
	e := l.Item.Effect
	a.r.w.say(Event{
		Region: a.r.name, What: "again", Rule: e.RuleID, Key: e.Key, Phase: string(e.Phase), Step: e.Step,
		ID: e.ID, Detail: strings.TrimSpace("in " + after.Round(time.Millisecond).String() + " " + l.Evidence),
	})
}
