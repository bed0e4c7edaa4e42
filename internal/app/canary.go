package app

import (
	"context"
	"time"

	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/loop"
)

// Canary sends synthetic signals through its region's queues.
func Canary(ctx context.Context, env Environment) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncCanary)
	if err != nil {
		return nil, err
	}
	s := &canary.Sender{Region: b.Region, Inputs: loop.Canaries(), Queue: b.queues, Now: time.Now}
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		return s.Run(ctx)
	}, nil
}
