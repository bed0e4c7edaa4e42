package telemetry

import (
	"context"
	"log/slog"

	"example.com/unbroken/internal/loop"
)

// Ingest records what came in; it implements ingest.Observer.
type Ingest struct {
	t     *Telemetry
	wants func(input string) int
}

// Ingest returns the recorder of the ingest functions. wants says how many copies an input's signals should have:
// one copy is the promise of a regional input and a warning for a mirrored one.
func (t *Telemetry) Ingest(wants func(input string) int) Ingest { return Ingest{t: t, wants: wants} }

// Accepted logs one line per request, with the keys of what was accepted.
func (r Ingest) Accepted(ctx context.Context, input string, keys []string, copies int) {
	b := batchOf(ctx)
	b.count(accepted, len(keys))
	level := slog.LevelInfo
	if copies < r.wants(input) {
		b.count(singleCopy, len(keys))
		level = slog.LevelWarn
	}
	r.t.log.LogAttrs(ctx, level, "accepted",
		slog.String("input", input), slog.Int("copies", copies), slog.Any("signals", keys))
}

// Refused logs how many were refused and why; what was refused has no trustworthy key.
func (r Ingest) Refused(ctx context.Context, input string, code loop.Code, n int) {
	batchOf(ctx).count(rejected, n)
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "refused",
		slog.String("input", input), slog.String("code", string(code)), slog.Int("n", n))
}

// Unarchived logs how many signals the archive may not have.
func (r Ingest) Unarchived(ctx context.Context, input string, n int) {
	batchOf(ctx).count(unarchived, n)
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "unarchived", slog.String("input", input), slog.Int("n", n))
}
