package telemetry

import (
	"context"
	"log/slog"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// Watch records how inputs fare; it implements observe.WatchRecorder.
type Watch struct{ t *Telemetry }

var _ observe.WatchRecorder = Watch{}

// Watch returns the recorder of the observer's watch over inputs.
func (t *Telemetry) Watch() Watch { return Watch{t: t} }

// Watched counts an input that is stalled, every run for as long as it is, and logs a switch.
func (r Watch) Watched(ctx context.Context, w loop.Watched, standby string, changed bool) {
	b := batchOf(ctx)
	if w.Stalled {
		b.count(stalled, 1)
	}
	if !changed {
		return
	}
	b.count(switched, 1)
	level, what := slog.LevelInfo, "input recovered"
	if w.Stalled {
		level, what = slog.LevelWarn, "input stalled"
	}
	r.t.log.LogAttrs(ctx, level, what, slog.String("input", w.Input), slog.String("standby", standby),
		slog.Any("silent", w.Silent), slog.Int("switch", w.N))
}
