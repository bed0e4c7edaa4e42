package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

const rules = `
inputs: {default: {kind: http}}
rules:
  - id: plain
    match: {type: [com.example.plain]}
    when: signal.data.value > 0.0
    do: [{step: page, action: page}]
  - id: third
    match: {type: [com.example.metric]}
    when: signal.data.value > 0.0
    key: signal.subject
    window: {count: 3, within: 5m}
    do: [{step: shed, action: shed}]
    undo: [{step: shed, action: shed}]
actions:
  page: {to: output, effect: native, output: "page/{{ key }}"}
  shed: {to: output, effect: native, output: "shed/{{ key }}", value: {phase: "{{ phase }}"}}
`

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type world struct {
	t        *testing.T
	now      time.Time // of the queues
	set      *rule.Set
	queues   *mem.Queues
	tables   *mem.Replicas
	episodes *mem.Episodes
}

func newWorld(t *testing.T, fault mem.Fault) *world {
	t.Helper()
	cfg, err := rule.Parse("loop.yaml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: start, set: set, episodes: mem.NewEpisodes(fault)}
	w.queues = mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return w.now }, Fault: fault})
	w.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: func() time.Time { return w.now }, Immediate: true})
	return w
}

type deaf struct{}

func (deaf) Decided(context.Context, loop.Decision, loop.Item)        {}
func (deaf) Late(context.Context, string, string)                     {}
func (deaf) Quarantined(context.Context, loop.Quarantine, loop.Item)  {}
func (deaf) Retried(context.Context, loop.Item, time.Duration, error) {}
func (deaf) Batch(context.Context, []loop.Item, int)                  {}

// item is a signal of a type at a second, with a value that the rules take as a hit (1) or not (0).
func item(typ string, second int, value string, standby bool) loop.Item {
	raw, err := json.Marshal(loop.Signal{
		ID: fmt.Sprint(second), Source: "shop/a", Type: typ, Subject: "k", Time: start.Add(time.Duration(second) * time.Second),
		Data: json.RawMessage(`{"value":` + value + `}`),
	})
	if err != nil {
		panic(err)
	}
	return loop.Item{AcceptedAt: start, Input: "default", Signal: raw, Standby: standby}
}

func (w *world) decide(region string, items ...loop.Item) (failed []string) {
	w.t.Helper()
	body, err := loop.Encode(items...)
	if err != nil {
		w.t.Fatal(err)
	}
	return decide.New(decide.Config{
		Region: region, Set: w.set, Queue: w.queues.From(region), Now: func() time.Time { return w.now }, Recorder: deaf{},
		Windows: mem.NewWindows(w.tables, region), Episodes: w.episodes.In(region), Backoff: func(int) time.Duration { return time.Second },
	}).Handle(w.t.Context(), []loop.Message{{ID: "m", Body: body}})
}

// take empties a queue and returns its items.
func (w *world) take(region, queue string) (items []loop.Item) {
	w.t.Helper()
	for {
		got := w.queues.Receive(region, queue, 10)
		if len(got) == 0 {
			return items
		}
		for _, d := range got {
			var env loop.Envelope
			if err := json.Unmarshal(d.Body, &env); err != nil {
				w.t.Fatal(err)
			}
			items = append(items, env.Items...)
			w.queues.Ack(region, queue, d.Receipt)
		}
	}
}

func (w *world) effects(region string) (ids []string) {
	for _, it := range w.take(region, loop.QueueActions) {
		ids = append(ids, string(it.Effect.Phase)+" "+it.Effect.ID[:8])
	}
	slices.Sort(ids)
	return ids
}

// FAULTS 11 and 20: the poison signal is quarantined for its rule; its neighbours are decided.
func TestAPoisonSignalHarmsNoNeighbour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	failed := w.decide("a", item("com.example.plain", 1, "1", false), item("com.example.plain", 2, `"x"`, false), item("com.example.plain", 3, "1", false))
	if len(failed) > 0 || len(w.effects("a")) != 2 {
		t.Fatalf("failed %v", failed)
	}
	letters := w.take("a", loop.DeadLetter(loop.QueueSignals))
	if len(letters) != 1 || letters[0].Quarantine.Reason != loop.CodeRuleFailed || letters[0].Quarantine.Rule != "plain" {
		t.Errorf("dead letters: %+v", letters)
	}
}

func TestTwoRegionsGiveOneSetOfEffects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i, v := range []string{"1", "1", "1", "0"} {
		w.decide("a", item("com.example.metric", i, v, false))
	}
	first := w.effects("a")
	for i, v := range []string{"1", "1", "1", "0"} {
		w.decide("b", item("com.example.metric", i, v, true))
	}
	if second := w.effects("b"); len(first) != 2 || !slices.Equal(first, second) {
		t.Errorf("one region %v, its peer %v: the peer must hold copies of the same effects", first, second)
	}
}

// FAULTS 17: a crash after the episode opened and before its effects were sent.
func TestPendingEffectsAreSentByWhoeverComesNext(t *testing.T) {
	t.Parallel()
	broken := true
	w := newWorld(t, func(op mem.Op) error {
		if broken && op.Service == "queue" && op.Key == loop.QueueActions {
			return errors.New("crashed before the send")
		}
		return nil
	})
	for i := range 3 {
		w.decide("a", item("com.example.metric", i, "1", false))
	}
	if got := w.effects("a"); len(got) != 0 {
		t.Fatalf("sent %v in spite of the crash", got)
	}
	broken = false
	w.decide("b", item("com.example.metric", 9, "1", false)) // another signal of the key, in the other region
	if got := w.effects("b"); len(got) != 1 {
		t.Errorf("the pending effects are %v", got)
	}
}

// FAULTS 34: what fails for our reasons is sent again, alone; nothing is acknowledged without that.
func TestAnItemThatCannotBeDecidedIsSentAgainAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(op mem.Op) error {
		if op.Service == "episodes" {
			return errors.New("unreachable")
		}
		return nil
	})
	if failed := w.decide("a", item("com.example.plain", 1, "1", false), item("com.example.metric", 2, "1", false)); len(failed) > 0 {
		t.Fatal("the whole message came back")
	}
	if _, _, delayed, err := w.queues.Depth(t.Context(), "a", loop.QueueSignals); err != nil || delayed != 1 {
		t.Errorf("%d items wait to be decided again, %v", delayed, err)
	}
	if len(w.effects("a")) != 1 {
		t.Error("the neighbour was not decided")
	}
}

func TestAMessageWhoseItemsCannotBeSentOnComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(op mem.Op) error {
		if op.Service == "queue" {
			return errors.New("unreachable")
		}
		return nil
	})
	if failed := w.decide("a", item("com.example.plain", 1, "1", false)); !slices.Equal(failed, []string{"m"}) {
		t.Errorf("failed: %v", failed)
	}
}

// FAULTS 23: causation is bounded.
func TestTheHopLimitEndsALoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	looping := item("com.example.plain", 1, "1", false)
	looping.Hops = loop.MaxHops + 1
	w.decide("a", looping)
	letters := w.take("a", loop.DeadLetter(loop.QueueSignals))
	if len(w.effects("a")) != 0 || len(letters) != 1 || letters[0].Quarantine.Reason != loop.CodeHopLimit {
		t.Errorf("dead letters: %+v", letters)
	}
}

func TestARedrivenLetterRunsOnlyTheRuleThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	redriven := item("com.example.plain", 1, "1", false)
	redriven.Quarantine = &loop.Quarantine{Rule: "another", Reason: loop.CodeRuleFailed}
	w.decide("a", redriven)
	if got := w.effects("a"); len(got) != 0 {
		t.Errorf("rule plain ran: %v", got)
	}
}

// Found by the episode model: region a stores the entry that closes and fails before the transition; b, with the
// opening signal in hand, closes for it and dies. a's copy of the closing signal must still bring the undo to a's
// queue, though it was not that signal that b decided on.
func TestATransitionMadeByThePeerReachesThisRegionToo(t *testing.T) {
	t.Parallel()
	down := false
	w := newWorld(t, func(op mem.Op) error {
		if down && op.Service == "episodes" && op.From == "a" {
			return errors.New("unreachable")
		}
		return nil
	})
	opens, closes := item("com.example.metric", 3, "1", false), item("com.example.metric", 4, "0", false)
	w.decide("a", item("com.example.metric", 1, "1", false), item("com.example.metric", 2, "1", false), opens)
	down = true
	w.decide("a", closes)
	down = false
	w.decide("b", opens)
	w.take("a", loop.QueueSignals)
	w.decide("a", closes)
	here, there := w.effects("a"), w.effects("b")
	if len(there) != 2 || !slices.Equal(here, there) {
		t.Errorf("a has %v, b has %v", here, there)
	}
}

// FAULTS 37 and 39: region a sent the do and is lost with the claim open. Region b comes back after the do expired and
// meets another signal of the key before its standby copy of the trigger: what it forgets it sends first.
func TestATransitionOfALostRegionIsSentBeforeItIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range 3 {
		w.decide("a", item("com.example.metric", i, "1", false))
	}
	sent := w.effects("a")
	w.now = start.Add(time.Hour)
	w.decide("b", item("com.example.metric", 4, "0", false))
	if got := w.effects("b"); len(sent) != 1 || len(got) != 2 || !slices.Contains(got, sent[0]) {
		t.Errorf("a sent %v; b sent %v, want the undo and a's do", sent, got)
	}
}
