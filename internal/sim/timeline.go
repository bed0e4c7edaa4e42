package sim

import (
	"bytes"
	"fmt"
	"time"

	"example.com/unbroken/internal/mem"
)

// log writes a line of the timeline; without trace it costs nothing.
func (w *World) log(region, format string, args ...any) {
	if !w.trace {
		return
	}
	at := w.clock.now.Sub(start)
	fmt.Fprintf(&w.timeline, "%02d:%02d:%02d.%03d %-9s %s\n", int(at.Hours()), int(at.Minutes())%60, int(at.Seconds())%60,
		at.Milliseconds()%1000, region, fmt.Sprintf(format, args...))
}

// note logs a call, once, when it has been applied; reads are not of interest.
func (w *World) note(t *task, op mem.Op) {
	if !w.trace || op.When != mem.After || op.Name == "Get" || op.Name == "Around" || op.Name == "Read" {
		return
	}
	to := ""
	if op.Region != op.From {
		to = " → " + op.Region
	}
	w.log(t.region, "%-11s %s.%s %s%s", t.what, op.Service, op.Name, short(op.Key), to)
}

// short is as much of an id as a person compares.
func short(id string) string {
	if len(id) == 64 {
		return id[:8]
	}
	return id
}

// Timeline is a run for a person to read: every applied write, delivery, fault and verdict in order.
type Timeline struct{ bytes.Buffer }

func seconds(d time.Duration) string { return d.Round(time.Millisecond).String() }
