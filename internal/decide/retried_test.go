package decide_test

import (
	"errors"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// While a table cannot be reached an item is tried again every half minute or so. Were everything that it has led to sent
// again each time, an outage of an hour would leave hundreds of messages for each signal, each of which is tried again
// itself.

func withoutEpisodes(down *bool) mem.Fault {
	return func(op mem.Op) error {
		if *down && op.Service == "episodes" {
			return errors.New("unreachable")
		}
		return nil
	}
}

const bothRules = `
inputs: {default: {kind: http}}
rules:
  - id: plain
    match: {type: [com.example.metric]}
    do: [{step: page, action: page}]
  - id: first
    match: {type: [com.example.metric]}
    key: signal.subject
    window: {count: 1, within: 5m}
    do: [{step: page, action: page}]
actions:
  page: {to: output, effect: native, output: "page/{{ rule }}/{{ key }}"}
`

func TestAnItemThatIsRetriedSendsWhatIsThroughOnce(t *testing.T) {
	t.Parallel()
	down := true
	w := newWorld(t, withoutEpisodes(&down))
	w.set = setOf(t, bothRules)
	next := item("com.example.metric", 1, "1", false)
	for range 5 {
		w.decide("a", next)
		w.now = w.now.Add(time.Second)
		again := w.take("a", loop.QueueSignals)
		if len(again) != 1 {
			t.Fatalf("%d items to decide again", len(again))
		}
		next = again[0]
	}
	if got := w.effects("a"); len(got) != 1 {
		t.Errorf("5 attempts left %d messages of the rule that was through after the first: %v", len(got), got)
	}
	down = false
	w.decide("a", next)
	if got := w.effects("a"); len(got) != 1 {
		t.Errorf("the rule that had failed sent %d effects: %v", len(got), got)
	}
}

func TestAnItemThatIsRetriedStartsItsTimerOnce(t *testing.T) {
	t.Parallel()
	down := true
	w := watch(t, "60s", withoutEpisodes(&down))
	w.send("a", sample{id: 0})
	w.until(1200)
	messages := 0
	for _, region := range []string{"a", "b"} {
		ready, hidden, delayed, err := w.queues.Depth(t.Context(), region, loop.QueueSignals)
		if err != nil {
			t.Fatal(err)
		}
		messages += ready + hidden + delayed
	}
	// The signal and its copy; of both the timer and its copy.
	if messages > 6 {
		t.Errorf("20 minutes without episodes left %d messages of one signal", messages)
	}
	down = false
	if w.until(1205); !w.open(t) {
		t.Error("the key has been silent since, and nobody noticed")
	}
}
