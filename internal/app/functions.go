package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
	"example.com/unbroken/internal/receipt"
	"example.com/unbroken/internal/region"
)

// Decide turns signals into effects.
func Decide(ctx context.Context, env Environment) (SQSHandler, error) {
	b, err := start(ctx, env, loop.FuncDecide)
	if err != nil {
		return nil, err
	}
	cfg := b.Config
	again := act.Backoff{Base: time.Second, Cap: 30 * time.Second, Rand: act.DefaultBackoff().Rand}
	return b.overSQS(loop.FuncDecide, decide.New(decide.Config{
		Region: b.Region, Peer: b.peer(), StandbyDelay: cfg.StandbyDelay.Std(), Set: b.Set, Queue: b.queues, Now: time.Now,
		Recorder: ledger.Decide{Recorder: b.telemetry.Decide(), Book: b.book()},
		Windows:  dynamo.NewWindows(b.table(), cfg.Prefix, b.Region, cfg.Regions.Loop, time.Now),
		Episodes: dynamo.NewEpisodes(b.table(), cfg.Prefix),
		Backoff:  again.Next,
	})), nil
}

// Targets makes what effects are delivered to. It is handed in, so that only act's binary carries the clients of all
// the services that an action may name.
type Targets func(cfg aws.Config, c *loop.Config, runtimeAPI string) (map[string]act.Target, error)

// Act lands effects.
func Act(ctx context.Context, env Environment, targets Targets) (SQSHandler, error) {
	b, err := start(ctx, env, loop.FuncAct)
	if err != nil {
		return nil, err
	}
	cfg := b.Config
	all, err := targets(b.aws, cfg, env.RuntimeAPI)
	if err != nil {
		return nil, err
	}
	all[loop.TargetReceipt] = receipt.Target{Region: b.Region, Docs: dynamo.NewDocuments(b.tables, cfg.Prefix, time.Now), Now: time.Now}
	controls := dynamo.NewControls(b.table(), cfg.Prefix)
	return b.overSQS(loop.FuncAct, act.New(act.Config{
		Region: b.Region, Queue: b.queues, Now: time.Now, Recorder: ledger.Act{Recorder: b.telemetry.Act(), Book: b.book()}, NewOwner: owner(b.Region),
		Claims:  dynamo.NewClaims(b.table(), cfg.Prefix),
		Outputs: dynamo.NewOutputs(b.table(), cfg.Prefix, b.Region, cfg.Regions.Loop),
		Hold:    cfg.Claim.Std(), Margin: claimMargin,
		Backoff: act.DefaultBackoff(),
		// While claims cannot be reached, effects wait; they must be back soon after it is.
		Unclaimed: act.Backoff{Base: time.Second, Cap: 15 * time.Second, Rand: act.DefaultBackoff().Rand},
		Targets:   all,
		Controls:  controls,
		Stopper:   controls,
		Budgets:   dynamo.NewBudgets(b.table(), cfg.Prefix),
		Throttles: dynamo.NewThrottles(b.table(), cfg.Prefix),
		Firings:   dynamo.NewFirings(b.table(), cfg.Prefix),
	})), nil
}

// owner names a claim's holder: no two calls, in any region, give the same.
func owner(region string) func() string {
	return func() string {
		var b [12]byte
		_, _ = rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
		return region + "/" + hex.EncodeToString(b[:])
	}
}

// states reads what every region is meant to do.
func (b *base) states() region.Reader {
	return region.Reader{
		Docs: dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now), Loop: b.Config.Regions.Loop,
		Observers: b.Config.Regions.All(), Operator: b.Config.Health.Drain == loop.DrainOperator,
	}
}

// health is asked all day, looks once a second, and goes by what other regions replicated: that its own table answers
// with what stood there a moment ago changes nothing.
func (b *base) health() *outputs.Health {
	states := b.states()
	states.Docs = dynamo.NewDocuments(b.tables, b.Config.Prefix, time.Now).Eventual()
	return &outputs.Health{Region: b.Region, Now: time.Now, Reader: states, Canaries: loop.Canaries(b.Config.Inputs)}
}

// Outputs answers for the last known good outputs and for the region's health.
func Outputs(ctx context.Context, env Environment) (HTTPHandler, error) {
	b, err := start(ctx, env, loop.FuncOutputs)
	if err != nil {
		return nil, err
	}
	cfg := b.Config
	var h http.Handler = &outputs.Handler{
		Region: b.Region, Now: time.Now,
		Reader: dynamo.NewOutputs(b.table(), cfg.Prefix, b.Region, cfg.Regions.Loop),
		Health: b.health(),
	}
	return b.overHTTP(h), nil
}
