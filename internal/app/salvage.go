package app

import (
	"context"
	"log/slog"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/salvage"
)

// Salvage moves what is stranded in drained regions to its own. Its errors are Lambda's to count: nobody waits for the
// answer, and the next run goes on.
func Salvage(ctx context.Context, env Environment) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncSalvage)
	if err != nil {
		return nil, err
	}
	w := &salvage.Worker{Region: b.Region, States: b.states().Views, Queues: b.queues, Now: time.Now}
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		report, err := w.Run(ctx)
		for from, done := range report {
			b.telemetry.Logger().InfoContext(ctx, "salvaged", slog.String("from", from), slog.Int("moved", done.Moved), slog.Int("stayed", done.Stayed), slog.Int("dropped", done.Dropped), slog.Int("expired", done.Expired))
		}
		return err
	}, nil
}
