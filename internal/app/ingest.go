package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/rule"
)

// Secrets makes what the secrets of producers are read from.
type Secrets func(aws.Config) ingest.Secrets

// Schemas makes the inputs' schemas ready. It is handed in, so that only the binaries that take signals carry the library.
type Schemas func(*loop.Config) (ingest.SchemaCheck, error)

// IngestHTTP takes signals over HTTP.
func IngestHTTP(ctx context.Context, env Environment, secrets Secrets, schemas Schemas) (HTTPHandler, error) {
	b, err := start(ctx, env, loop.FuncIngestHTTP)
	if err != nil {
		return nil, err
	}
	acceptor, err := b.acceptor(loggedSecrets{secrets(b.aws), b.telemetry.Logger()}, schemas)
	if err != nil {
		return nil, err
	}
	gate := &region.Gate{Reader: b.states(), Region: b.Region, Now: time.Now}
	return b.overHTTP(&ingest.Gated{Next: ingest.NewHTTP(acceptor), Drained: gate.Refuses}), nil
}

// IngestQueue takes signals from the inbox queue.
func IngestQueue(ctx context.Context, env Environment, schemas Schemas) (SQSHandler, error) {
	b, acceptor, input, err := only(ctx, env, loop.FuncIngestQueue, loop.KindQueue, schemas)
	if err != nil {
		return nil, err
	}
	inbox, err := ingest.NewInbox(acceptor, input)
	if err != nil {
		return nil, err
	}
	return b.overSQS(loop.FuncIngestQueue, inbox), nil
}

// AlarmHandler is a Lambda handler that EventBridge and topics call.
type AlarmHandler func(context.Context, json.RawMessage) error

// IngestAlarm takes the changes of CloudWatch alarms.
func IngestAlarm(ctx context.Context, env Environment) (AlarmHandler, error) {
	b, acceptor, input, err := only(ctx, env, loop.FuncIngestAlarm, loop.KindAlarm, none)
	if err != nil {
		return nil, err
	}
	alarms, err := ingest.NewAlarms(acceptor, input)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, event json.RawMessage) error {
		ctx, end := b.telemetry.StartBatch(ctx, nil)
		defer end()
		return alarms.Handle(ctx, event)
	}, nil
}

// only starts the function of a kind of input that a deployment has one of.
func only(ctx context.Context, env Environment, function, kind string, schemas Schemas) (*base, *ingest.Acceptor, string, error) {
	b, err := start(ctx, env, function)
	if err != nil {
		return nil, nil, "", err
	}
	for name, in := range b.Config.Inputs {
		if in.Kind == kind {
			acceptor, err := b.acceptor(nil, schemas) // whoever may send to a queue or change an alarm has proven who it is to AWS
			return b, acceptor, name, err
		}
	}
	return nil, nil, "", fmt.Errorf("loop.yaml declares no input of kind %s", kind)
}

// none is for inputs that have no schema: what alarms say has one form.
func none(*loop.Config) (ingest.SchemaCheck, error) { return nil, nil }

// acceptor is what all ways in share.
func (b *base) acceptor(secrets ingest.Secrets, schemas Schemas) (*ingest.Acceptor, error) {
	check, err := schemas(b.Config)
	if err != nil {
		return nil, err
	}
	mappings, err := rule.CompileMappings(b.Config)
	if err != nil {
		return nil, err
	}
	return ingest.New(ingest.Config{
		Region: b.Region, Peers: loop.Peers(b.Config.Regions.Loop, b.Region), Inputs: b.Config.Inputs, StandbyDelay: b.Config.StandbyDelay.Std(), Queue: b.queues,
		Mapper: mappings, Secrets: secrets, Schemas: check,
		Canaries: &canary.Verifier{Region: b.Region, Keys: dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now), Now: time.Now},
		Observer: b.listener(ledger.Ingest{Observer: b.telemetry.Ingest(b.copies), Book: b.book()}), Now: time.Now,
	}), nil
}

// listener notes that watched inputs are heard.
func (b *base) listener(observer ingest.Observer) *ingest.Listener {
	log := b.telemetry.Logger()
	return &ingest.Listener{
		Observer: observer, Region: b.Region, Inputs: b.Config.Inputs, Now: time.Now,
		Notes: dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now),
		Lost: func(ctx context.Context, err error) {
			log.WarnContext(ctx, "heard", slog.String("error", err.Error()))
		},
	}
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
