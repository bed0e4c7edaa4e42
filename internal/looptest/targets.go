package looptest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// TargetBench is one target with a resource of its own, in which nothing stands yet.
type TargetBench struct {
	Target  act.Target
	Class   loop.Class
	Request loop.Request                // what every effect sends, but for its body
	Body    func(n int) string          // nil: TargetBody
	Holds   func(t *testing.T) []string // the bodies that were applied, oldest first; of a resource, the one that stands
	Missing string                      // the URL of a resource that does not exist; "" where the target makes it
	Arm     func(Fault, func())         // the next call that would apply meets the fault; the func runs when it does
	Calls   func() int                  // calls that would apply, so far
}

// Fault is what becomes of one call.
type Fault int

// Faults of a call that would apply an effect.
const (
	LoseAnswer  Fault = iota // applied, and the connection breaks
	Unreachable              // no connection is made
	Hang                     // nothing happens until the caller gives up
	Throttle                 // turned away, 429
	Deny                     // turned away, 403
	Break                    // 500: applied or not, the caller cannot know
)

// TargetBody is the body of the n-th effect. What is secret in it must not come back in any evidence.
func TargetBody(n int) string { return fmt.Sprintf(`{"n":%d,"word":"hush-hush"}`, n) }

// effect is the n-th effect of one (rule, key).
func (b TargetBench) effect(n int) loop.Effect {
	body := b.Body
	if body == nil {
		body = TargetBody
	}
	r := b.Request
	r.Body = body(n)
	return loop.Effect{
		ID: loop.EffectID(loop.EpisodeDecisionID("r", "k", int64(n), loop.PhaseDo), "s"), RuleID: "r", Key: "k", Step: "s",
		Phase: loop.PhaseDo, Class: b.Class, Fence: loop.EpisodeFence(int64(n), loop.PhaseDo), Request: &r,
	}
}

// Targets is the suite that every target passes: what it answers is what happened.
func Targets(t *testing.T, open func(t *testing.T) TargetBench) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, b TargetBench){
		"DeliveredIsNotApplied":        targetDelivers,
		"SameEffectIsAppliedTwice":     targetRepeats,
		"OlderEffectReplacesNewer":     targetOrders,
		"LostAnswerIsTakenForAFailure": targetLosesAnswer,
		"UnreachableIsTakenForUnknown": targetUnreachable,
		"ThrottledIsTakenForUnknown":   targetThrottled,
		"ServerErrorIsTakenForCertain": targetBreaks,
		"RefusalIsRetriedForever":      targetDenies,
		"MissingResourceIsRetried":     targetMissing,
		"HangOutlivesItsContext":       targetHangs,
		"EffectWithoutRequestPanics":   targetEmpty,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// deliver delivers the effect and checks what is true of every answer.
func (b TargetBench) deliver(t *testing.T, e loop.Effect, want act.Verdict) {
	t.Helper()
	b.check(t, b.Target.Deliver(deadline(t), e), want)
}

func (b TargetBench) check(t *testing.T, a act.Answer, want act.Verdict) {
	t.Helper()
	if a.Verdict != want {
		t.Errorf("verdict %d (%s), want %d", a.Verdict, a.Evidence, want)
	}
	if a.Evidence == "" || strings.ContainsAny(a.Evidence, "\r\n") || len(a.Evidence) > 400 || strings.Contains(a.Evidence, "hush") {
		t.Errorf("evidence %q: want one short line without what was sent", a.Evidence)
	}
}

func (b TargetBench) holds(t *testing.T, ns ...int) {
	t.Helper()
	var want []string
	for _, n := range ns {
		want = append(want, b.effect(n).Request.Body)
	}
	if got := b.Holds(t); !slices.Equal(got, want) {
		t.Errorf("the target holds %q, want %q", got, want)
	}
}

func (b TargetBench) calls(t *testing.T, want int) {
	t.Helper()
	if got := b.Calls(); got != want {
		t.Errorf("%d calls, want %d: only act may send again", got, want)
	}
}

func targetDelivers(t *testing.T, b TargetBench) {
	b.deliver(t, b.effect(1), act.Delivered)
	b.calls(t, 1)
	b.holds(t, 1)
}

// Nobody prevents a second application of a `once` effect: that is why act never sends it again by itself.
func targetRepeats(t *testing.T, b TargetBench) {
	if b.Class == loop.ClassOnce {
		t.Skip("the class does not promise it")
	}
	for range 3 {
		b.deliver(t, b.effect(1), act.Delivered)
	}
	b.holds(t, 1)
}

func targetOrders(t *testing.T, b TargetBench) {
	if b.Class != loop.ClassFenced && b.Class != loop.ClassSet {
		t.Skip("the class does not promise it")
	}
	b.deliver(t, b.effect(2), act.Delivered)
	b.deliver(t, b.effect(1), act.Outdated)
	b.holds(t, 2)
	b.deliver(t, b.effect(3), act.Delivered)
	b.holds(t, 3)
	b.deliver(t, b.effect(2), act.Outdated)
	b.holds(t, 3)
}

func targetLosesAnswer(t *testing.T, b TargetBench) {
	b.Arm(LoseAnswer, nil)
	b.deliver(t, b.effect(1), act.Retry)
	b.calls(t, 1)
	if b.Class != loop.ClassOnce {
		b.deliver(t, b.effect(1), act.Delivered)
	}
	b.holds(t, 1)
}

func (b TargetBench) turnedAway(t *testing.T, f Fault) {
	t.Helper()
	b.Arm(f, nil)
	b.deliver(t, b.effect(1), act.Unsent)
	b.calls(t, 1)
	b.holds(t)
	b.deliver(t, b.effect(1), act.Delivered)
	b.holds(t, 1)
}

func targetUnreachable(t *testing.T, b TargetBench) { b.turnedAway(t, Unreachable) }

func targetThrottled(t *testing.T, b TargetBench) { b.turnedAway(t, Throttle) }

func targetBreaks(t *testing.T, b TargetBench) {
	b.Arm(Break, nil)
	b.deliver(t, b.effect(1), act.Retry)
	b.calls(t, 1)
}

func targetDenies(t *testing.T, b TargetBench) {
	b.Arm(Deny, nil)
	b.deliver(t, b.effect(1), act.Refused)
	b.calls(t, 1)
	b.holds(t)
}

func targetMissing(t *testing.T, b TargetBench) {
	if b.Missing == "" {
		t.Skip("the target makes what is missing")
	}
	e := b.effect(1)
	e.Request.URL = b.Missing
	b.deliver(t, e, act.Refused)
}

func targetHangs(t *testing.T, b TargetBench) {
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	b.Arm(Hang, cancel)
	answer := make(chan act.Answer, 1)
	go func() { answer <- b.Target.Deliver(ctx, b.effect(1)) }()
	select {
	case a := <-answer:
		b.check(t, a, act.Retry)
	case <-time.After(3 * time.Minute):
		t.Fatal("still hanging after its context ended")
	}
}

func targetEmpty(t *testing.T, b TargetBench) {
	e := b.effect(1)
	e.Request = nil
	b.deliver(t, e, act.Refused)
}
