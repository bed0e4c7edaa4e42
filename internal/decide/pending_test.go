package decide_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

// large is a world whose effects have 110 KB: three of them are more than may be pending together.
func large(t *testing.T, fault mem.Fault, steps int) *world {
	t.Helper()
	w := newWorld(t, fault)
	var all []string
	for i := range steps {
		all = append(all, fmt.Sprintf("{step: s%d, action: shed}", i))
	}
	text := strings.NewReplacer("[{step: shed, action: shed}]", "["+strings.Join(all, ", ")+"]",
		`{phase: "{{ phase }}"}`, `{phase: "{{ phase }}", more: "`+strings.Repeat("x", 110<<10)+`"}`).Replace(rules)
	cfg, err := rule.Parse("loop.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if w.set, err = rule.Compile(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

// four transitions: opened, closed, opened, closed.
func four() (items []loop.Item) {
	for second, value := range []string{"1", "1", "1", "0", "1", "0"} {
		items = append(items, item("com.example.metric", second+1, value, false))
	}
	return items
}

func phases(items []loop.Item) (out []string) {
	for _, it := range items {
		out = append(out, string(it.Effect.Phase))
	}
	return out
}

// What is too large to be pending together is made in turns; nothing of it is quarantined.
func TestManyLargeTransitionsAreMadeInTurns(t *testing.T) {
	t.Parallel()
	w := large(t, nil, 1)
	if failed := w.decide("a", four()...); len(failed) > 0 {
		t.Fatal(failed)
	}
	if got := strings.Join(phases(w.take("a", loop.QueueActions)), " "); got != "do undo do undo" {
		t.Errorf("sent %q", got)
	}
	if again, dead := w.take("a", loop.QueueSignals), w.take("a", loop.DeadLetter(loop.QueueSignals)); len(again)+len(dead) > 0 {
		t.Errorf("%d tried again, %d quarantined", len(again), len(dead))
	}
}

// While they cannot be sent they wait, each with its signal, and are all there in the end.
func TestLargeTransitionsOutlastAQueueThatIsDown(t *testing.T) {
	t.Parallel()
	down := true
	w := large(t, func(op mem.Op) error {
		if down && op.Service == "queue" && op.Key == loop.QueueActions {
			return errors.New("unreachable")
		}
		return nil
	}, 1)
	for range 3 {
		w.decide("a", four()...)
	}
	if dead := w.take("a", loop.DeadLetter(loop.QueueSignals)); len(dead) > 0 {
		t.Fatalf("%d quarantined: %s", len(dead), dead[0].Quarantine.Detail)
	}
	down = false
	w.decide("a", four()...)
	if got := strings.Join(phases(w.take("a", loop.QueueActions)), " "); got != "do undo do undo" {
		t.Errorf("sent %q", got)
	}
}

// What is too large alone will never fit.
func TestOneTransitionThatIsTooLargeIsQuarantined(t *testing.T) {
	t.Parallel()
	w := large(t, nil, 3)
	w.decide("a", four()[:3]...)
	dead := w.take("a", loop.DeadLetter(loop.QueueSignals))
	if len(dead) == 0 || dead[0].Quarantine.Reason != loop.CodeTooLarge || dead[0].Quarantine.Rule != "third" {
		t.Errorf("quarantined: %+v", dead)
	}
}
