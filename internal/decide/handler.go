package decide

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// Recorder hears what became of signals, for logs and metrics. It is called from several goroutines at once.
type Recorder interface {
	Decided(ctx context.Context, d loop.Decision, item loop.Item)
	Late(ctx context.Context, ruleID, signalKey string)
	// Overflow is called when a window holds more of a key than its bound, and only the newest entries count; and when
	// a group has more keys than it tells apart.
	Overflow(ctx context.Context, ruleID string)
	Quarantined(ctx context.Context, q loop.Quarantine, item loop.Item)
	Retried(ctx context.Context, item loop.Item, after time.Duration, cause error)
	// Batch is called once per Handle: the items that have come to an end here, and how many no rule wanted.
	Batch(ctx context.Context, items []loop.Item, unmatched int)
}

// Config is what a Handler needs; all fields are required, but for AtOnce, and for Peer where there is one region.
type Config struct {
	Region       string
	Peer         string // where timers are mirrored to
	StandbyDelay time.Duration
	Set          *rule.Set
	Windows      Windows
	Episodes     Episodes
	Queue        Queue
	Now          func() time.Time
	Backoff      func(attempt int) time.Duration // wait before an item is sent again
	Recorder     Recorder
	AtOnce       int // bounds the (rule, key) states brought up to date at once; 0 for Concurrency, 1 for a repeatable order
}

// Concurrency bounds the (rule, key) states of one invocation that are brought up to date at once.
const Concurrency = 16

// Handler decides the signals of queue messages. It is safe for concurrent use.
type Handler struct {
	cfg Config
}

// New returns a Handler.
func New(c Config) *Handler { return &Handler{cfg: c} }

// Handle decides every signal of the messages and returns the ids of the messages that must be delivered again.
// An effect is on `actions` before its signal's message is acknowledged. An item that fails for our reasons is
// sent again alone; a rule that fails on a signal is quarantined with its reason; their neighbours go on.
func (h *Handler) Handle(ctx context.Context, msgs []loop.Message) (failed []string) {
	broken := make([]bool, len(msgs))
	var works []*work
	for i, m := range msgs {
		items, err := decode(m.Body)
		if err != nil {
			broken[i] = true
			h.cfg.Recorder.Retried(ctx, loop.Item{}, 0, fmt.Errorf("message %s: %w", m.ID, err))
			continue
		}
		works = h.take(ctx, works, items, i, broken)
	}
	h.decide(ctx, works, broken)
	for i, b := range broken {
		if b {
			failed = append(failed, msgs[i].ID)
		}
	}
	return failed
}

// Items decides what needs no message, because whoever has it waits for the answer; events are the items' signals. It
// says whether all has come to an end; a message with these items would be delivered again otherwise.
func (h *Handler) Items(ctx context.Context, items []loop.Item, events []*rule.Event) bool {
	broken := make([]bool, 1)
	works := h.take(ctx, nil, items, 0, broken)
	if len(works) == len(events) { // there are no timers among them
		for i, w := range works {
			w.event = events[i]
		}
	}
	h.decide(ctx, works, broken)
	return !broken[0]
}

// take adds the items of a message to the works, but for timers that have a way to go.
func (h *Handler) take(ctx context.Context, works []*work, items []loop.Item, msg int, broken []bool) []*work {
	works, all := slices.Grow(works, len(items)), make([]work, len(items))
	for i, item := range items {
		if isTimer(item) && h.cfg.wait(item) > 0 { // another leg of its way
			broken[msg] = h.cfg.leg(ctx, h.cfg.Region, item) != nil || broken[msg]
			continue
		}
		all[i].msg, all[i].item = msg, item
		works = append(works, &all[i])
	}
	return works
}

func (h *Handler) decide(ctx context.Context, works []*work, broken []bool) {
	out := found{observations: map[target]*group{}}
	for _, w := range works {
		evaluate(h.cfg.Set, w, &out) //nolint:contextcheck // pure: CEL is bounded by cost, not by a deadline
	}
	h.sendDecisions(ctx, out.decisions) // first: what needs no table must not wait for one
	h.remember(ctx, out.proofs)
	h.verify(ctx, out.checks)
	h.episodes(ctx, &out)
	h.finish(ctx, works, broken)

	through := make([]loop.Item, 0, len(works))
	for _, w := range works {
		if w.retry == nil && !broken[w.msg] {
			through = append(through, w.item)
		}
	}
	h.cfg.Recorder.Batch(ctx, through, out.unmatched)
}

// episodes brings every touched (rule, key) up to date, several at once, each in order.
func (h *Handler) episodes(ctx context.Context, out *found) {
	k := h.keeper()
	// Few goroutines that take one after the other: a stack that has grown for one key serves the next.
	var next atomic.Int64
	var eg errgroup.Group
	work := func() error {
		for i := next.Add(1) - 1; i < int64(len(out.order)); i = next.Add(1) - 1 {
			h.episode(ctx, k, out.order[i], out.observations[out.order[i]].obs)
		}
		return nil
	}
	for range min(cmp.Or(h.cfg.AtOnce, Concurrency), len(out.order)) - 1 { // and who would only wait is one of them
		eg.Go(work)
	}
	_ = work()
	_ = eg.Wait() // failures stand with their items
}

// keeper is that of one invocation.
func (h *Handler) keeper() keeper {
	k := keeper{
		windows: h.cfg.Windows, episodes: h.cfg.Episodes, region: h.cfg.Region, now: h.cfg.Now, cfg: h.cfg, joins: newJoins(),
	}
	k.send = func(ctx context.Context, t Transition, standby bool) error {
		if t.Decision.Joins != nil {
			return h.joinOf(ctx, k, t, standby)
		}
		return h.sendTransition(ctx, t, standby)
	}
	return k
}

func (h *Handler) episode(ctx context.Context, k keeper, t target, obs []observation) {
	if t.group {
		h.group(ctx, k, t, obs)
		return
	}
	ref := Ref{RuleID: t.program.ID(), Key: t.key}
	o, err := k.observe(ctx, t.program, ref, obs)
	for _, d := range o.made {
		h.cfg.Recorder.Decided(ctx, d, obs[0].work.item)
	}
	for _, e := range o.tooLate {
		h.cfg.Recorder.Late(ctx, ref.RuleID, e.Pos.SignalKey)
	}
	if o.overflow {
		h.cfg.Recorder.Overflow(ctx, ref.RuleID)
	}
	if err != nil {
		fail(obs, ref.RuleID, err)
	}
}

func (h *Handler) sendTransition(ctx context.Context, t Transition, standby bool) error {
	outgoing := make([]loop.Outgoing, 0, len(t.Decision.Effects))
	for _, e := range t.Decision.Effects {
		o, err := effectMessage(e, t.Decision.Why, loop.Item{
			AcceptedAt: t.AcceptedAt, Input: t.Input, Standby: standby, Hops: t.Hops, Cause: t.Cause,
		})
		if err != nil {
			return err
		}
		outgoing = append(outgoing, o)
	}
	for _, err := range h.cfg.Queue.Send(ctx, h.cfg.Region, loop.QueueActions, outgoing) {
		if err != nil {
			return fmt.Errorf("send effects of decision %s: %w", t.Decision.ID, err)
		}
	}
	return nil
}

func (h *Handler) sendDecisions(ctx context.Context, ds []decided) {
	var outgoing []loop.Outgoing
	var owner []decided
	for _, d := range ds {
		for _, e := range d.Effects {
			o, err := effectMessage(e, d.Why, loop.Item{
				AcceptedAt: d.work.item.AcceptedAt, Input: d.work.item.Input, Standby: d.work.item.Standby,
				Hops: d.work.item.Hops, Cause: d.work.item.Cause,
			})
			if err != nil {
				d.work.fail(d.RuleID, err)
				continue
			}
			outgoing, owner = append(outgoing, o), append(owner, d)
		}
	}
	for i, err := range h.cfg.Queue.Send(ctx, h.cfg.Region, loop.QueueActions, outgoing) {
		if err != nil {
			owner[i].work.fail(owner[i].RuleID, fmt.Errorf("send effect: %w", err))
		}
	}
	for _, d := range ds {
		if !slices.Contains(d.work.left, d.RuleID) {
			h.cfg.Recorder.Decided(ctx, d.Decision, d.work.item)
		}
	}
}

// effectMessage wraps one effect. One effect a message: it is retried and delayed alone.
func effectMessage(e loop.Effect, why *loop.Why, item loop.Item) (loop.Outgoing, error) {
	e.Why = why
	item.Effect = &e
	body, err := loop.Encode(item)
	if err != nil {
		return loop.Outgoing{}, fmt.Errorf("encode effect %s: %w", e.ID, err)
	}
	return loop.Outgoing{Body: body, Group: e.Action}, nil
}
