package telemetry

import (
	"context"
	"log/slog"

	"example.com/unbroken/internal/sweep"
)

// Sweep records what the sweeper finds; it implements sweep.Recorder.
type Sweep struct{ t *Telemetry }

var _ sweep.Recorder = Sweep{}

// Sweep returns the recorder of the sweeper function.
func (t *Telemetry) Sweep() Sweep { return Sweep{t: t} }

// Overdue logs one record that should have ended.
func (r Sweep) Overdue(ctx context.Context, o sweep.Overdue) {
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "overdue",
		slog.String("kind", o.Kind), slog.String("effectID", o.ID), slog.String("rule", o.Rule), slog.String("action", o.Action),
		slog.Time("due", o.Due), slog.Time("acceptedAt", o.AcceptedAt), slog.String("evidence", oneLine(o.Evidence)))
}

// Swept logs and counts one run.
func (r Sweep) Swept(ctx context.Context, p sweep.Pass, f sweep.Found) {
	b := batchOf(ctx)
	b.count(swept, f.Deleted)
	b.count(overdue, f.Overdue)
	level := slog.LevelInfo
	if p.Unreadable > 0 {
		level = slog.LevelError // an item that this version cannot read is not judged
	}
	r.t.log.LogAttrs(ctx, level, "swept",
		slog.Time("passStarted", p.Started), slog.Bool("passEnded", !p.Ended.IsZero()),
		slog.Int("scanned", f.Scanned), slog.Int("deleted", f.Deleted), slog.Int("overdue", f.Overdue),
		slog.Int("parked", p.Parked), slog.Int("unreadable", p.Unreadable))
}
