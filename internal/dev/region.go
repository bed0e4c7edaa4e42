package dev

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net"
	"net/http"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/output"
	"example.com/unbroken/internal/outputs"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
	"example.com/unbroken/internal/webhook"
)

// loopRegion is one loop region.
type loopRegion struct {
	w         *World
	name      string
	listener  net.Listener
	stages    map[string]stage // by queue
	schedules []schedule
	signals   http.Handler
	answers   http.Handler // outputs and health
}

// stage is what every queue stage looks like.
type stage interface {
	Handle(ctx context.Context, msgs []loop.Message) (failed []string)
}

// newRegion makes the handlers just as internal/app does for the functions.
func newRegion(w *World, name string, set *rule.Set, dialer *webhook.Dialer, listener net.Listener) (*loopRegion, error) {
	cfg, now := w.cfg.Rules, w.cfg.Now
	queue := w.queues.From(name)
	r := &loopRegion{w: w, name: name, listener: listener, stages: map[string]stage{}}
	mappings, err := rule.CompileMappings(cfg)
	if err != nil {
		return nil, err
	}
	check, err := schema.Compile(cfg)
	if err != nil {
		return nil, err
	}
	inputs := unsigned(cfg.Inputs)
	heard := &ingest.Listener{
		Observer: ingestEvents{r}, Region: name, Inputs: inputs, Notes: mem.NewDocuments(w.tables, name), Now: now,
		Lost: func(context.Context, error) {}, // the next signal notes it
	}
	acceptor := ingest.New(ingest.Config{
		Region: name, Peers: loop.Peers(cfg.Regions.Loop, name), Inputs: inputs, StandbyDelay: cfg.StandbyDelay.Std(),
		Mapper: mappings, Schemas: check, Secrets: localSecrets{}, Queue: queue, Observer: heard, Now: now,
	})
	r.signals = ingest.NewHTTP(acceptor)
	r.schedules = schedules(w, name, acceptor, inputs, dialer)
	for input, in := range cfg.Inputs {
		if in.Kind != loop.KindQueue {
			continue
		}
		inbox, err := ingest.NewInbox(acceptor, input)
		if err != nil {
			return nil, err
		}
		r.stages[loop.QueueInbox] = inbox
	}
	again := act.Backoff{Base: time.Second, Cap: 30 * time.Second, Rand: act.DefaultBackoff().Rand}
	r.stages[loop.QueueSignals] = decide.New(decide.Config{
		Region: name, Peer: loop.Peer(cfg.Regions.Loop, name), StandbyDelay: cfg.StandbyDelay.Std(),
		Set: set, Queue: queue, Now: now, Recorder: decideEvents{r}, Backoff: again.Next,
		Windows: mem.NewWindows(w.tables, name), Episodes: w.episodes.In(name),
	})
	written := mem.NewOutputs(w.tables, name)
	r.stages[loop.QueueActions] = act.New(act.Config{
		Region: name, Claims: w.claims.In(name), Outputs: written, Queue: queue, Now: now, Recorder: actEvents{r},
		Hold: cfg.Claim.Std(), Margin: claimMargin, Backoff: act.DefaultBackoff(), NewOwner: owner(name),
		Unclaimed: act.Backoff{Base: time.Second, Cap: 15 * time.Second, Rand: act.DefaultBackoff().Rand},
		Targets:   map[string]act.Target{loop.TargetOutput: output.Target{}, loop.TargetWebhook: w.webhooks},
		Budgets:   w.limits.Budgets(name), Throttles: w.limits.Throttles(name),
		Firings:  w.episodes.Firings(name),
		Controls: w.controls.In(name), Stopper: w.controls.In(name),
	})
	r.answers = &outputs.Handler{
		Region: name, Now: now, Reader: written,
		Health: &outputs.Health{Region: name, Now: now, Reader: states(w, name)}, // nobody sends canaries here
	}
	return r, nil
}

// states reads what regions are meant to do, as a region of the world does.
func states(w *World, name string) region.Reader {
	return region.Reader{Docs: mem.NewDocuments(w.tables, name), Loop: w.cfg.Rules.Regions.Loop, Observers: w.cfg.Rules.Regions.All()}
}

// unsigned are the inputs without the roles and users that may send: here is no IAM to say who did.
func unsigned(inputs map[string]loop.Input) map[string]loop.Input {
	all := maps.Clone(inputs)
	for name, in := range all {
		if in.Auth == loop.AuthIAM {
			in.Credentials = nil
		}
		in.Archive = false // what would be archived here ends with the process
		all[name] = in
	}
	return all
}

// claimMargin is that of internal/app.
const claimMargin = time.Second

func owner(region string) func() string {
	return func() string {
		var b [12]byte
		_, _ = rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
		return region + "/" + hex.EncodeToString(b[:])
	}
}

// localSecrets signs and opens with one well-known key: here nobody has anything to hide, and a receiver or a producer
// under development can check signatures.
type localSecrets struct{}

// LocalSecret is the signing secret behind every reference.
const LocalSecret = "whsec_dW5icm9rZW4tZGV2LXNlY3JldC0wMDE=" //nolint:gosec // well known on purpose

func (localSecrets) Secret(context.Context, string) ([]byte, error) { return []byte(LocalSecret), nil }
