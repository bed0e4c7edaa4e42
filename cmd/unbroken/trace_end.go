package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// States of a trace.
const (
	stateTerminal = "terminal" // every decision's effects have ended, or there is nothing to decide
	stateOpen     = "open"     // something is still under way, or not yet known
	stateUnknown  = "unknown"  // there is no trace of the signal
)

// conclude says how the signal ended. It claims no more than was seen: most signals match no rule, and such have no
// line but that they were accepted.
func (t *trace) conclude(lines []foundLine) {
	var ends []string
	open := false
	for _, e := range t.Effects {
		what := cmp.Or(e.Rule, "a rule") + "/" + cmp.Or(e.Step, e.ID[:min(12, len(e.ID))])
		switch {
		case e.Status.Terminal():
			ends = append(ends, what+" "+string(e.Status))
		case e.Status == loop.StatusClaimed:
			open = true
			ends = append(ends, what+" under way")
		default:
			open = true
			ends = append(ends, what+" not claimed yet")
		}
	}
	accepted := false
	for _, l := range lines {
		end := ""
		switch l.Message {
		case "accepted":
			accepted = true
		case "quarantined":
			end = cmp.Or(l.Rule, "the signal") + " quarantined: " + l.Reason
		case "late":
			end = l.Rule + " suppressed: late"
		}
		if end != "" && !slices.Contains(ends, end) {
			ends = append(ends, end)
		}
	}
	switch {
	case open:
		t.State, t.Summary = stateOpen, "not at its end: "+strings.Join(ends, "; ")
	case len(ends) > 0:
		t.State, t.Summary = stateTerminal, "ended: "+strings.Join(ends, "; ")
	case accepted:
		t.State = stateOpen
		t.Summary = "accepted, and no decision is known: no rule matched, or it counted in a window without opening or closing anything, or decide has not logged yet"
	case len(lines) > 0:
		t.State, t.Summary = stateOpen, "under way: it has been seen, but neither its acceptance nor its end is known"
	default:
		t.State = stateUnknown
		t.Summary = "no trace of this signal: not accepted, or longer ago than --since, or the logs are not there yet (they take up to a minute)"
	}
	if len(t.Missing) > 0 && t.State != stateTerminal {
		t.Summary += "; not everything could be asked"
	}
}

// print shows the story in time order, then what is missing from it, then the end.
func (t *trace) print(g *globals, w *world) error {
	if g.JSON {
		return printJSON(w.Stdout, t)
	}
	_, _ = fmt.Fprintln(w.Stdout, "signal "+t.Key)
	rows := newTable(w.Stdout)
	for _, e := range collapse(t.Events) {
		what := e.What
		if e.Standby {
			what += " (standby)"
		}
		about := e.Rule
		if e.Effect != "" {
			about += " " + e.Effect[:min(len(e.Effect), 12)]
		}
		rows.row(e.At.UTC().Format("2006-01-02 15:04:05.000"), cmp.Or(e.Region, "-"), what, cmp.Or(line(about), "-"), line(e.Detail))
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	for _, e := range t.Effects {
		if e.Why != nil {
			_, _ = fmt.Fprintf(w.Stdout, "  why %s/%s: %s\n", line(e.Rule), line(e.Step), line(because(e.Why)))
		}
	}
	for _, m := range t.Missing {
		_, _ = fmt.Fprintln(w.Stdout, "  not known: "+line(m))
	}
	_, _ = fmt.Fprintln(w.Stdout, line(t.Summary))
	return nil
}

// collapse makes one line of what is told again and again: every copy and retry is decided anew, to the same ids.
func collapse(events []traceEvent) (told []traceEvent) {
	var before traceEvent
	times := 0
	for _, e := range events {
		same := e
		same.At = before.At
		if times > 0 && same == before {
			times++
			told[len(told)-1].Detail = fmt.Sprintf("%s (%d times, until %s)", e.Detail, times, e.At.UTC().Format(time.TimeOnly))
			continue
		}
		told, before, times = append(told, e), e, 1
	}
	return told
}
