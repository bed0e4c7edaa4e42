package act

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Config is what a Handler needs. All fields are required but those at the end.
type Config struct {
	Region    string
	Claims    Claims
	Outputs   Outputs
	Queue     Queue
	Targets   map[string]Target
	Hold      time.Duration // claim duration; action timeout + Margin < Hold < standby delay
	Margin    time.Duration
	Backoff   Backoff
	Now       func() time.Time
	NewOwner  func() string // unique per call, in all regions
	Recorder  Recorder
	Unclaimed Backoff // waits while `claims` cannot be reached

	// Without these there are no silences and kill switches, no budgets, no throttles.
	Controls  Controls
	Budgets   Budgets
	Throttles Throttles
	Firings   Firings // nil: no rule mutes another
	Stopper   Stopper // with all the others: rules stop themselves
}

// Concurrency bounds the effects of one invocation that are under way at once.
const Concurrency = 32

// Handler lands the effects of queue messages. It is safe for concurrent use.
type Handler struct {
	cfg  Config
	pipe Pipeline
}

// New wires the stages in their order.
func New(c Config) *Handler {
	controls := &controls{source: c.Controls, now: c.Now}
	return &Handler{cfg: c, pipe: Pipeline{
		controlsStage{controls},
		claimStage{claims: c.Claims, hold: c.Hold, now: c.Now},
		shadowStage{},
		guardStage{claims: c.Claims, now: c.Now},
		silenceStage{},
		inhibitStage{firings: c.Firings},
		killStage{controls}, // what it stops throttles nothing, spends nothing and is asked of nobody
		throttleStage{throttles: c.Throttles, now: c.Now},
		budgetStage{budgets: c.Budgets},
		throttleStage{throttles: c.Throttles, now: c.Now, enter: true},
		approvalStage{},
		killStage{controls}, // the last look before the send
		refundStage{throttles: c.Throttles, budgets: c.Budgets},
		regressionStage{throttles: c.Throttles, budgets: c.Budgets, controls: c.Controls, stopper: c.Stopper, now: c.Now},
		executeStage{targets: c.Targets, backoff: c.Backoff, margin: c.Margin, now: c.Now},
		outputStage{outputs: c.Outputs, backoff: c.Backoff, region: c.Region, now: c.Now},
		commitStage{claims: c.Claims, now: c.Now},
		emitStage{queue: c.Queue, region: c.Region, now: c.Now},
	}}
}

// Handle lands every effect of the messages and returns the ids of the messages that must be delivered again:
// those whose envelope is of an unknown version or whose effect could neither end nor be sent again.
func (h *Handler) Handle(ctx context.Context, msgs []loop.Message) (failed []string) {
	bad := make([]bool, len(msgs))
	var group errgroup.Group
	group.SetLimit(Concurrency)
	for i, m := range msgs {
		land := func() error {
			bad[i] = h.message(ctx, m) != nil
			return nil
		}
		if i == len(msgs)-1 {
			_ = land() // who would only wait takes the last one
		} else {
			group.Go(land)
		}
	}
	_ = group.Wait() // the functions above never fail; each keeps its result in its own slot
	for i, b := range bad {
		if b {
			failed = append(failed, msgs[i].ID)
		}
	}
	return failed
}

func (h *Handler) message(ctx context.Context, m loop.Message) error {
	var env loop.Envelope
	if err := json.Unmarshal(m.Body, &env); err != nil {
		return fmt.Errorf("decode message %s: %w", m.ID, err)
	}
	if env.V != loop.EnvelopeVersion {
		return fmt.Errorf("message %s has version %d; this function knows %d", m.ID, env.V, loop.EnvelopeVersion)
	}
	var errs []error
	for _, item := range env.Items {
		if item.Effect == nil {
			errs = append(errs, fmt.Errorf("message %s: an item without an effect", m.ID))
			continue
		}
		errs = append(errs, h.land(ctx, item))
	}
	return errors.Join(errs...)
}

// exec runs the stages. One that panics must take down neither the neighbours in the batch, whose claims would look like
// those of a holder that vanished, nor the environment, over and over: to its own effect it is such a holder.
func (h *Handler) exec(ctx context.Context, l *Landing) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("landing effect %s panicked: %v", l.Item.Effect.ID, r)
		}
	}()
	return h.pipe.Exec(ctx, l)
}

// land runs one effect through the stages and sends its message again where it is not through.
func (h *Handler) land(ctx context.Context, item loop.Item) error {
	l := &Landing{Item: item, Owner: h.cfg.NewOwner(), unclaimed: h.cfg.Unclaimed}
	err := h.exec(ctx, l)
	switch {
	case err != nil:
		l.Item.Attempt++
		l.Again = h.cfg.Unclaimed.Next(l.Item.Attempt)
		l.Evidence = err.Error()
	case l.Status.Terminal():
		h.cfg.Recorder.Landed(ctx, l)
		return nil
	}
	h.cfg.Recorder.Retried(ctx, l, l.Again)
	body, err := loop.Encode(l.Item)
	if err != nil {
		return fmt.Errorf("encode effect %s: %w", item.Effect.ID, err)
	}
	again := loop.Outgoing{Body: body, Delay: min(l.Again, loop.MaxDelay), Group: item.Effect.Action}
	if err := h.cfg.Queue.Send(ctx, h.cfg.Region, loop.QueueActions, []loop.Outgoing{again})[0]; err != nil {
		return fmt.Errorf("send effect %s again: %w", item.Effect.ID, err)
	}
	return nil
}
