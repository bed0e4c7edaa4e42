package backtest

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// side is one set of rules with its state.
type side struct {
	set    *rule.Set
	state  *state
	timers timers
	clock  time.Time // of the newest signal, where rules go by it
}

func newSide(set *rule.Set) *side {
	if set == nil {
		return nil
	}
	return &side{set: set, state: newState()}
}

// Made is a decision with the moment and the file that it belongs to.
type Made struct {
	loop.Decision
	At   time.Time // event time of the signal that made it
	File int

	MutedBy string // the rule that fired for it when the signal was accepted: nothing of it lands
}

// Failed is a rule that failed on a signal; in production the pair goes to quarantine.
type Failed struct {
	Rule   string
	Code   loop.Code
	Detail string
}

// Outcome is what one side made of a batch.
type Outcome struct {
	Made    []Made
	Failed  []Failed
	Late    []string      // rules, one per signal that came too late
	Matched map[Place]int // signals that a rule's pattern takes
}

// Place is a rule in a file.
type Place struct {
	Rule string
	File int
}

// visit is one batch at one side. It is the Queue and the Recorder of decide's handler, and its stores wait until it
// is the batch's turn: evaluating runs ahead on all cores, while every key sees its signals in order.
type visit struct {
	side *side
	turn turn
	now  time.Time

	once    sync.Once
	entered error

	mu    sync.Mutex
	at    map[string]transition // by decision
	fresh []arrival
	out   Outcome
	err   error
}

// arrival is a decision that has not come to act yet: as many of out.Made are, at its end.
type arrival struct {
	accepted time.Time
	item     loop.Item
}

type transition struct {
	at       time.Time
	accepted time.Time
	file     int
}

// region is the only one there is.
const region = "backtest"

// decide runs what the patterns of the side took of a batch through it. The caller closes the turn.
func (s *side) decide(ctx context.Context, t turn, in taken, now time.Time) (Outcome, error) {
	v := &visit{side: s, turn: t, now: now, at: map[string]transition{}}
	if s.set.Grouped() {
		return v.byClock(ctx, in, now)
	}
	if len(in.items) > 0 {
		if err := v.check(v.handler().Items(ctx, in.items, in.events)); err != nil {
			return Outcome{}, err
		}
	}
	if err := v.enter(ctx); err != nil {
		return Outcome{}, err
	}
	v.arrive()
	if err := v.fire(ctx, now); err != nil {
		return Outcome{}, err
	}
	s.state.sweep(now)
	return v.out, nil
}

// byClock decides one signal after the other, each at its own time: what a group gathers depends on when it is decided.
func (v *visit) byClock(ctx context.Context, in taken, now time.Time) (Outcome, error) {
	if err := v.enter(ctx); err != nil {
		return Outcome{}, err
	}
	for i := range in.items {
		if at := in.items[i].AcceptedAt; at.After(v.side.clock) {
			v.side.clock = at
		}
		if err := v.fire(ctx, v.side.clock); err != nil {
			return Outcome{}, err
		}
		v.now = v.side.clock
		if err := v.check(v.handler().Items(ctx, in.items[i:i+1], in.events[i:i+1])); err != nil {
			return Outcome{}, err
		}
		v.arrive()
	}
	if err := v.fire(ctx, now); err != nil {
		return Outcome{}, err
	}
	v.side.state.sweep(now)
	return v.out, nil
}

// compareMade orders the decisions of a batch, which decide makes several at once, the same way every time.
func compareMade(a, b Made) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Episode, b.Episode), cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.ID, b.ID))
}

func (v *visit) handler() *decide.Handler {
	return decide.New(decide.Config{
		Region: region, Set: v.side.set, Windows: windows{v}, Episodes: episodes{v}, Queue: v, Recorder: v,
		Now: func() time.Time { return v.now }, Backoff: func(int) time.Duration { return 0 },
	})
}

func (v *visit) check(decided bool) error {
	if !decided && v.err == nil {
		v.err = errors.New("signals could not be decided")
	}
	return v.err
}

// fire hands over what decide had sent back to itself and what is due by then, at its own time.
func (v *visit) fire(ctx context.Context, by time.Time) error {
	for {
		t, ok := v.side.timers.pop(by)
		if !ok {
			return nil
		}
		v.now = t.due
		failed := v.handler().Handle(ctx, []loop.Message{{ID: "1", Body: t.body}})
		if err := v.check(len(failed) == 0); err != nil {
			return err
		}
		v.arrive()
		v.now = by
	}
}

func (v *visit) enter(ctx context.Context) error {
	v.once.Do(func() {
		select {
		case <-v.turn.before:
		case <-ctx.Done():
			v.entered = ctx.Err()
		}
	})
	return v.entered
}

// transitions notes when and where the transitions that are about to be decided belong.
func (v *visit) transitions(list []decide.Transition) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, t := range list {
		if t.Pending() {
			v.at[t.Decision.ID] = transition{t.At.Time, t.AcceptedAt, fileOf(t.Input)}
		}
	}
}

func fileOf(input string) int {
	n, _ := strconv.Atoi(input) // message wrote it
	return n
}

var _ decide.Queue = (*visit)(nil)

// Send implements decide.Queue: effects and dead letters end here, signals come back when they are due.
func (v *visit) Send(ctx context.Context, _, queue string, msgs []loop.Outgoing) []error {
	errs := make([]error, len(msgs))
	if queue != loop.QueueSignals {
		return errs
	}
	for i, m := range msgs {
		if errs[i] = v.enter(ctx); errs[i] == nil {
			v.mu.Lock()
			v.side.timers.add(v.now.Add(m.Delay), m)
			v.mu.Unlock()
		}
	}
	return errs
}

var _ decide.Recorder = (*visit)(nil)

// Decided implements decide.Recorder. What joins a group is in the group's decision.
func (v *visit) Decided(_ context.Context, d loop.Decision, item loop.Item) {
	if d.Joins != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	t, stateful := v.at[d.ID]
	if !stateful {
		t = transition{rule.NewEvent(item.Signal, item.AcceptedAt).Time(), item.AcceptedAt, fileOf(item.Input)}
	}
	v.out.Made = append(v.out.Made, Made{Decision: d, At: t.at, File: t.file})
	v.fresh = append(v.fresh, arrival{t.accepted, item})
}

// Late implements decide.Recorder.
func (v *visit) Late(_ context.Context, ruleID, _ string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Late = append(v.out.Late, ruleID)
}

// Overflow implements decide.Recorder. What overflows in production overflows here, to the same decisions.
func (v *visit) Overflow(context.Context, string) {}

// Quarantined implements decide.Recorder.
func (v *visit) Quarantined(_ context.Context, q loop.Quarantine, _ loop.Item) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Failed = append(v.out.Failed, Failed{q.Rule, q.Reason, q.Detail})
}

// Retried implements decide.Recorder. Nothing here fails but for a reason that would fail again.
func (v *visit) Retried(_ context.Context, _ loop.Item, _ time.Duration, cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = cause
}

// Batch implements decide.Recorder.
func (v *visit) Batch(context.Context, []loop.Item, int) {}
