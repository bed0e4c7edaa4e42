package app

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/archive"
	"example.com/unbroken/internal/loop"
)

// Shelf makes what the archive is written to. It is handed in, so that only the archive's binary carries S3's client.
type Shelf func(cfg aws.Config, bucket string) archive.Store

// Archive keeps what came in.
func Archive(ctx context.Context, env Environment, shelf Shelf) (SQSHandler, error) {
	b, err := start(ctx, env, loop.FuncArchive)
	if err != nil {
		return nil, err
	}
	return b.overSQS(loop.FuncArchive, &archive.Handler{
		Region: b.Region, Recorder: b.telemetry.Archive(),
		Store: shelf(b.aws, loop.ArchiveBucket(b.Config.Prefix, env.Account, b.Region)),
	}), nil
}
