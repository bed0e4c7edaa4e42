// Package app wires: it is the only place where stages meet AWS, and has one constructor per function. A function
// reads two things: its environment, for what only the deployment knows, and the bundle in its own package, for
// everything that was declared in loop.yaml.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/telemetry"
	"example.com/unbroken/internal/xray"
)

// Environment is what only the deployment knows.
type Environment struct {
	Region     string // AWS_REGION
	Account    string // UNBROKEN_ACCOUNT
	Endpoint   string // UNBROKEN_ENDPOINT: where this region's API answers; "" in the witness region
	RuntimeAPI string // AWS_LAMBDA_RUNTIME_API, which no webhook may reach
	Level      string // UNBROKEN_LOG_LEVEL
	Bundle     string // path of the bundle
}

// FromEnvironment reads the process's environment.
func FromEnvironment() Environment {
	return Environment{
		Region: os.Getenv("AWS_REGION"), Account: os.Getenv("UNBROKEN_ACCOUNT"), Endpoint: os.Getenv("UNBROKEN_ENDPOINT"),
		RuntimeAPI: os.Getenv("AWS_LAMBDA_RUNTIME_API"), Level: os.Getenv("UNBROKEN_LOG_LEVEL"),
		Bundle: filepath.Join(os.Getenv("LAMBDA_TASK_ROOT"), "bundle.json"),
	}
}

// Exit ends a function that could not start. Lambda shows the line and starts the function anew.
func Exit(err error) {
	slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("start failed", slog.String("error", err.Error()))
	os.Exit(1)
}

// base is what every function is made of.
type base struct {
	Environment
	*rule.Bundle
	aws       aws.Config
	telemetry *telemetry.Telemetry
	queues    *queue.Queues
	tables    func(region string) dynamo.API
}

func start(ctx context.Context, env Environment, function string) (*base, error) {
	xray.Quiet()
	packed, err := os.ReadFile(env.Bundle)
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w: put bundle.json into the function's package with `make bundle` and deploy again", err)
	}
	bundle, err := rule.Load(packed)
	if err != nil {
		return nil, fmt.Errorf("load the bundle %s: %w", env.Bundle, err)
	}
	// In a region that its bundle does not know, a function would find no peer and send no standby copies.
	if known := bundle.Config.Regions.All(); !slices.Contains(known, env.Region) {
		return nil, fmt.Errorf("AWS_REGION is %q and loop.yaml names %v: make bundle and stacks from the same loop.yaml", env.Region, known)
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(env.Region))
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	return &base{
		Environment: env, Bundle: bundle, aws: cfg,
		telemetry: telemetry.New(telemetry.Config{
			Out: os.Stdout, Function: function, Region: env.Region, Level: env.Level, Now: time.Now, Trace: xray.TraceID,
		}),
		queues: queue.New(queue.Config{
			Account: env.Account, Prefix: bundle.Config.Prefix, Client: queue.Clients(cfg), Trace: xray.Header,
		}),
		tables: dynamo.Clients(cfg),
	}, nil
}

// table is the client of this region's tables.
func (b *base) table() dynamo.API { return b.tables(b.Region) }

// book is where the sampled ledger of this region is written.
func (b *base) book() *ledger.Book {
	log := b.telemetry.Logger()
	return &ledger.Book{
		Region: b.Region, Docs: dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now), Now: time.Now,
		Lost: func(ctx context.Context, err error) {
			log.WarnContext(ctx, "ledger", slog.String("error", err.Error()))
		},
	}
}

// claimMargin is kept free between the end of an attempt and the claim's deadline, for the commit.
const claimMargin = time.Second

// peer is the region that gets the standby copies of this one.
func (b *base) peer() string { return loop.Peer(b.Config.Regions.Loop, b.Region) }
