package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Bounds of one search. A signal that is redelivered for days has more lines than anybody reads.
const (
	searchTimeout = 10 * time.Second
	searchLimit   = 200
)

// found is a log line of a function, as internal/telemetry writes it.
type foundLine struct {
	At         time.Time `json:"time"`
	Message    string    `json:"msg"`
	Region     string    `json:"region"`
	Function   string    `json:"function"`
	SignalKey  string    `json:"signalKey"`
	Signals    []string  `json:"signals"`
	Input      string    `json:"input"`
	Copies     int       `json:"copies"`
	Rule       string    `json:"rule"`
	Phase      string    `json:"phase"`
	DecisionID string    `json:"decisionID"`
	Effects    []string  `json:"effects"`
	EffectID   string    `json:"effectID"`
	Status     string    `json:"status"`
	Evidence   string    `json:"evidence"`
	Reason     string    `json:"reason"`
	Stage      string    `json:"stage"`
	Cause      string    `json:"cause"`
	Attempt    int       `json:"attempt"`
	Standby    bool      `json:"standby"`
}

// traced are the functions a signal passes.
var traced = []string{loop.FuncIngestHTTP, loop.FuncIngestQueue, loop.FuncIngestAlarm, loop.FuncIngestPoll, loop.FuncDecide, loop.FuncAct}

// search looks through the logs of all regions at once. answered is false where no log of any region could be read.
func (r *reach) search(ctx context.Context, regions []string, key string, since time.Time, t *trace) (lines []foundLine, answered bool) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	type place struct {
		region, function string
		lines            []logLine
		more             bool
		err              error
	}
	var places []*place
	var group errgroup.Group
	for _, region := range regions {
		for _, function := range traced {
			p := &place{region: region, function: function}
			places = append(places, p)
			group.Go(func() error {
				p.lines, p.more, p.err = r.Logs.Search(ctx, region, function, key, since, searchLimit)
				return nil
			})
		}
	}
	_ = group.Wait()
	for _, p := range places {
		switch {
		case p.err != nil && noLogYet(p.err):
			answered = true // a function that never ran has no log
		case p.err != nil:
			t.Missing = append(t.Missing, fmt.Sprintf("log of %s in %s: %s", p.function, p.region, short(p.err)))
		default:
			answered = true
		}
		if p.more && p.err == nil {
			t.Missing = append(t.Missing, fmt.Sprintf("log of %s in %s: more lines than were read", p.function, p.region))
		}
		for _, l := range p.lines {
			if f, ok := parseLine(l, key); ok {
				f.Region = cmp.Or(f.Region, p.region)
				lines = append(lines, f)
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b foundLine) int { return a.At.Compare(b.At) })
	return lines, answered
}

// parseLine takes a line that is about the signal. The search finds text; what the text means is looked at here.
func parseLine(l logLine, key string) (foundLine, bool) {
	var f foundLine
	start := strings.IndexByte(l.Text, '{') // some platforms put a timestamp in front
	if start < 0 || json.Unmarshal([]byte(l.Text[start:]), &f) != nil {
		return f, false
	}
	if f.At.IsZero() {
		f.At = l.At
	}
	return f, f.Message != "" && (f.SignalKey == key || slices.Contains(f.Signals, key))
}

func noLogYet(err error) bool { return strings.Contains(err.Error(), "ResourceNotFoundException") }

// event tells a line to a person.
func (f foundLine) event() traceEvent {
	e := traceEvent{At: f.At, Region: f.Region, What: f.Message, Rule: f.Rule, Effect: f.EffectID, Standby: f.Standby}
	switch f.Message {
	case "accepted":
		e.Detail = fmt.Sprintf("by input %s, %s", f.Input, copies(f.Copies))
	case "decided":
		e.Detail = f.Phase + ", " + plural(len(f.Effects), "effect")
	case "late":
		e.Detail = "suppressed: later than the window's lateness allows"
	case "quarantined":
		e.Detail = f.Reason + " at " + f.Stage
	case "landed":
		e.What, e.Detail = f.Status, f.Evidence
	case "retried":
		e.Detail = fmt.Sprintf("attempt %d: %s", f.Attempt, cmp.Or(f.Evidence, f.Cause))
	}
	return e
}

func copies(n int) string {
	if n == 1 {
		return "1 copy"
	}
	return fmt.Sprintf("%d copies", n)
}

// effectsOf are the effects that the lines name, each once, in order.
func effectsOf(lines []foundLine) (list []traceEffect) {
	seen := map[string]bool{}
	for _, l := range lines {
		for _, id := range append(slices.Clone(l.Effects), l.EffectID) {
			if id != "" && !seen[id] {
				seen[id] = true
				list = append(list, traceEffect{ID: id, Rule: l.Rule})
			}
		}
	}
	return list
}
