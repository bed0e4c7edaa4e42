package decide_test

import (
	"errors"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

// twoRules see the same signals; the second one fails on a value that is text, until it is repaired.
const twoRules = `
inputs: {default: {kind: http}}
rules:
  - id: first
    match: {type: [com.example.plain]}
    do: [{step: page, action: page}]
  - id: second
    match: {type: [com.example.plain]}
    when: WHEN
    do: [{step: page, action: page}]
  - id: stateful
    match: {type: [com.example.plain]}
    window: {count: 1, within: 5m}
    key: signal.subject
    do: [{step: page, action: page}]
actions:
  page: {to: output, effect: native, output: "page/{{ key }}"}
`

func (w *world) deploy(rules string) {
	w.t.Helper()
	cfg, err := rule.Parse("loop.yaml", []byte(rules))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.set, err = rule.Compile(cfg); err != nil {
		w.t.Fatal(err)
	}
}

func withWhen(when string) string { return strings.Replace(twoRules, "WHEN", when, 1) }

// A rule failed, was repaired, and its dead letter is redriven: that rule runs, and no other a second time.
func TestARepairedRuleRunsOnItsRedrivenLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.deploy(withWhen("signal.data.value > 0.0"))
	w.decide("a", item("com.example.plain", 1, `"x"`, false))
	if got := w.effects("a"); len(got) != 2 {
		t.Fatalf("the other rules did %v", got)
	}
	letters := w.take("a", loop.DeadLetter(loop.QueueSignals))
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	q := letters[0].Quarantine
	if q == nil || q.Reason != loop.CodeRuleFailed || q.Stage != "decide" || q.Rule != "second" || q.Detail == "" || q.At.IsZero() || len(letters[0].Signal) == 0 {
		t.Fatalf("the letter does not say all: %+v", letters[0])
	}

	// Not repaired yet: it comes back as one letter, with its acceptance as it was.
	w.decide("a", letters[0])
	again := w.take("a", loop.DeadLetter(loop.QueueSignals))
	if len(again) != 1 || again[0].Quarantine.Rule != "second" || !again[0].AcceptedAt.Equal(start) || len(w.effects("a")) != 0 {
		t.Fatalf("came back as %+v", again)
	}

	w.deploy(withWhen(`signal.data.value == "x"`))
	w.decide("a", again[0])
	got := w.take("a", loop.QueueActions)
	if len(got) != 1 || got[0].Effect.RuleID != "second" || !got[0].AcceptedAt.Equal(start) {
		t.Errorf("did %+v, want the repaired rule alone", got)
	}
}

// Whatever is retried for our reasons stays that rule's letter.
func TestARedrivenLetterThatIsRetriedStaysOne(t *testing.T) {
	t.Parallel()
	broken := true
	w := newWorld(t, func(op mem.Op) error {
		if broken && op.Key == loop.QueueActions {
			return errors.New("unreachable")
		}
		return nil
	})
	w.deploy(withWhen("signal.data.value == 1.0"))
	letter := item("com.example.plain", 1, "1", false)
	letter.Quarantine = &loop.Quarantine{Reason: loop.CodeRuleFailed, Stage: "decide", Rule: "second", At: start}
	w.decide("a", letter)
	broken = false
	w.now = w.now.Add(loop.MaxDelay)
	again := w.take("a", loop.QueueSignals)
	if len(again) != 1 || again[0].Quarantine == nil || again[0].Quarantine.Rule != "second" {
		t.Fatalf("sent again as %+v", again)
	}
	w.decide("a", again[0])
	if got := w.effects("a"); len(got) != 1 {
		t.Errorf("did %v", got)
	}
}

// One rule is hopeless, another one cannot reach its tables for a while: one letter, not one per attempt.
func TestAnItemThatIsRetriedIsNotQuarantinedEachTime(t *testing.T) {
	t.Parallel()
	down := true
	w := newWorld(t, func(op mem.Op) error {
		if down && op.Service == "episodes" {
			return errors.New("unreachable")
		}
		return nil
	})
	w.deploy(withWhen("signal.data.value > 0.0"))
	next := item("com.example.plain", 1, `"x"`, false)
	for range 5 {
		w.decide("a", next)
		w.now = w.now.Add(loop.MaxDelay)
		again := w.take("a", loop.QueueSignals)
		if len(again) != 1 {
			t.Fatalf("%d items to decide again", len(again))
		}
		next = again[0]
	}
	down = false
	w.decide("a", next)
	if letters := w.take("a", loop.DeadLetter(loop.QueueSignals)); len(letters) != 1 {
		t.Errorf("%d letters of one failure", len(letters))
	}
}
