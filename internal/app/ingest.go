package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/secret"
)

// acceptor is what all ways in share.
func (b *base) acceptor() (*ingest.Acceptor, error) {
	mappings, err := rule.CompileMappings(b.Config)
	if err != nil {
		return nil, err
	}
	return ingest.New(ingest.Config{
		Region: b.Region, Peer: b.peer(), Inputs: b.Config.Inputs, StandbyDelay: b.Config.StandbyDelay.Std(), Queue: b.queues,
		Mapper: mappings, Secrets: loggedSecrets{secret.New(ssm.NewFromConfig(b.aws), time.Now), b.telemetry.Logger()},
		Observer: ledger.Ingest{Observer: b.telemetry.Ingest(b.copies), Book: b.book()}, Now: time.Now,
	}), nil
}

// copies is in how many regions a signal of the input should be stored.
func (b *base) copies(input string) int {
	if b.Config.Inputs[input].Durability == loop.Mirrored && b.peer() != "" {
		return 2
	}
	return 1
}

// loggedSecrets says which secret cannot be had: the producer is not told.
type loggedSecrets struct {
	ingest.Secrets
	log *slog.Logger
}

// Secret implements ingest.Secrets. That the second secret of a credential does not exist is the rule.
func (s loggedSecrets) Secret(ctx context.Context, ref string) ([]byte, error) {
	v, err := s.Secrets.Secret(ctx, ref)
	if err != nil {
		level := slog.LevelError
		if errors.Is(err, loop.ErrNotFound) {
			level = slog.LevelDebug
		}
		s.log.LogAttrs(ctx, level, "secret", slog.String("error", err.Error()))
	}
	return v, err
}
