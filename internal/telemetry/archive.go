package telemetry

import (
	"context"
	"log/slog"
)

// Archive records what the archive keeps; it implements archive.Recorder.
type Archive struct{ t *Telemetry }

// Archive returns the recorder of the archive.
func (t *Telemetry) Archive() Archive { return Archive{t} }

// Archived logs one line per object.
func (r Archive) Archived(ctx context.Context, key string, signals int) {
	batchOf(ctx).count(archived, signals)
	r.t.log.LogAttrs(ctx, slog.LevelInfo, "archived", slog.String("object", key), slog.Int("n", signals))
}

// Failed logs what is tried again.
func (r Archive) Failed(ctx context.Context, messages int, cause error) {
	r.t.log.LogAttrs(ctx, slog.LevelWarn, "not archived yet", slog.Int("messages", messages), slog.String("error", cause.Error()))
}
