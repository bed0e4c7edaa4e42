package app

import (
	"context"
	"time"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// The sweeper's bounds. 50 units a second read 400 KB a second: a run's four minutes pass over 96 MB, the day's runs
// over 2 GB, for less than a tenth of a dollar, and no partition notices.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	sweepRate   = 50
	sweepBudget = 4 * time.Minute
	sweepEvery  = 23*time.Hour + 30*time.Minute // the hourly run that comes a day later must not be a second early
)

// Sweeper keeps the claims table small and reports what is overdue. Its schedule is hourly: a pass starts once a day,
// and a large one is gone on with every hour.
func Sweeper(ctx context.Context, env Environment) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncSweeper)
	if err != nil {
		return nil, err
	}
	s := sweep.New(sweep.Config{
		Region: b.Region, Now: time.Now, Wait: sleep, Recorder: b.telemetry.Sweep(),
		Table: dynamo.NewClaimsTable(b.table(), b.Config.Prefix),
		Docs:  dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now),
		Rate:  sweepRate, Budget: sweepBudget, Every: sweepEvery,
	})
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		return s.Run(ctx)
	}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
