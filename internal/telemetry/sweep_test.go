package telemetry

import (
	"testing"
	"time"

	"example.com/unbroken/internal/sweep"
)

func TestTheSweeperCountsWhatItFound(t *testing.T) {
	t.Parallel()
	tm, out := start("")
	ctx, end := tm.StartBatch(invocation(t), nil)
	r := tm.Sweep()
	r.Overdue(ctx, sweep.Overdue{Kind: sweep.KindEffect, ID: "e1", Rule: "r", Action: "page", Due: noon(), Evidence: "503\nlater"})
	r.Swept(ctx, sweep.Pass{Started: noon(), Ended: noon().Add(time.Minute), OverdueCount: 9}, sweep.Found{Scanned: 100, Deleted: 40, Overdue: 2})
	r.Swept(ctx, sweep.Pass{Started: noon(), Unreadable: 1}, sweep.Found{})
	end()
	lines := out.take(t)
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	has(t, lines[0], map[string]any{"level": "WARN", "msg": "overdue", "effectID": "e1", "evidence": "503 later", "rule": "r"})
	has(t, lines[1], map[string]any{"level": "INFO", "msg": "swept", "passEnded": true, "scanned": 100.0, "deleted": 40.0, "overdue": 2.0})
	has(t, lines[2], map[string]any{"level": "ERROR", "unreadable": 1.0})
	has(t, lines[3], map[string]any{"Swept": 40.0, "Overdue": 2.0, "Errors": 1.0})
}
