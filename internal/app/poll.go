package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// Meter makes what metrics are read by. It is handed in, so that only the poller's binary carries CloudWatch's client.
type Meter func(cfg aws.Config) ingest.Meter

// Endpoints makes what endpoints are read by, likewise.
type Endpoints func(cfg aws.Config, c *loop.Config, runtimeAPI string) (ingest.Fetcher, error)

// IngestPoll reads the inputs of kind poll. What fails is logged and counted, not returned: the next minute's run reads
// it, and the schedule's own retry would only hurry that.
func IngestPoll(ctx context.Context, env Environment, meter Meter, endpoints Endpoints, schemas Schemas) (ScheduleHandler, error) {
	b, err := start(ctx, env, loop.FuncIngestPoll)
	if err != nil {
		return nil, err
	}
	if !b.Config.Polls() {
		return nil, errors.New("loop.yaml declares no input of kind " + loop.KindPoll)
	}
	acceptor, err := b.acceptor(nil, schemas) // nobody calls
	if err != nil {
		return nil, err
	}
	fetcher, err := endpoints(b.aws, b.Config, env.RuntimeAPI)
	if err != nil {
		return nil, err
	}
	poller := ingest.NewPoller(acceptor, dynamo.NewRecords(b.table(), b.Config.Prefix), meter(b.aws), fetcher)
	return func(ctx context.Context) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		if err := poller.Run(ctx); err != nil {
			b.telemetry.Logger().ErrorContext(ctx, "polled in part", slog.String("error", err.Error()))
		}
		return nil
	}, nil
}
