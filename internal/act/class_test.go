package act_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func ofClass(c loop.Class) loop.Effect {
	e := effect("e")
	e.Class = c
	return e
}

// held leaves a claim behind whose holder vanished: it may have sent, or not.
func (w *world) held(e loop.Effect) {
	w.t.Helper()
	dead := loop.Claim{EffectID: e.ID, Status: loop.StatusClaimed, Owner: "a/dead", Token: 1, Deadline: epoch.Add(hold), Effect: e, AcceptedAt: epoch}
	if _, opened, err := w.claims.In("a").Open(w.t.Context(), dead); err != nil || !opened {
		w.t.Fatal(opened, err)
	}
}

// What each class does with an attempt whose answer is not known, and with one that was surely not applied.
func TestEachClassAnswersAmbiguityInItsOwnWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class      loop.Class
		afterRetry int // sends in all, where the first answer is not known
		ends       loop.Status
	}{
		{loop.ClassKeyed, 2, loop.StatusDone},
		{loop.ClassFenced, 2, loop.StatusDone},
		{loop.ClassNative, 2, loop.StatusDone},
		{loop.ClassSet, 2, loop.StatusDone},
		{loop.ClassOnce, 1, loop.StatusParked},
	} {
		w := newWorld(t, nil)
		w.answers = []act.Answer{{Verdict: act.Retry, Evidence: "no answer"}}
		w.deliver("a", ofClass(c.class))
		w.pump()
		if len(w.sent) != c.afterRetry || w.status("e") != c.ends {
			t.Errorf("%s, answer lost: sent %d times, ended %s", c.class, len(w.sent), w.status("e"))
		}
		unsent := newWorld(t, nil)
		unsent.answers = []act.Answer{{Verdict: act.Unsent, Evidence: "connection refused"}}
		unsent.deliver("a", ofClass(c.class))
		unsent.pump()
		if len(unsent.sent) != 2 || unsent.status("e") != loop.StatusDone {
			t.Errorf("%s, surely not applied: tried %d times, ended %s", c.class, len(unsent.sent), unsent.status("e"))
		}
	}
}

func TestOnceIsNeverSentAfterAHolderThatVanished(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.held(ofClass(loop.ClassOnce))
	w.deliver("b", ofClass(loop.ClassOnce))
	w.pump()
	c, err := w.claims.In("b").Get(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	if len(w.sent) != 0 || c.Status != loop.StatusParked || !strings.Contains(c.Evidence, "a/dead") {
		t.Errorf("sent %d times, ended %s: %s", len(w.sent), c.Status, c.Evidence)
	}
}

// A holder that vanishes after an orderly retry leaves the same doubt as one that vanishes at first.
func TestOnceIsNotSentAfterARetryThatVanished(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.held(ofClass(loop.ClassOnce))
	c, err := w.claims.In("a").Get(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	c.NotBefore, c.Attempt = epoch.Add(time.Second), 1 // given back in order…
	if err := w.claims.In("a").Swap(t.Context(), c, 1); err != nil {
		t.Fatal(err)
	}
	crashed := false
	w.now = epoch.Add(hold + 2*time.Second)
	w.during = func() { // …taken over, and the process ends in the middle of sending
		w.during = nil
		crashed = true
		runtime.Goexit()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.handle("a", ofClass(loop.ClassOnce))
	}()
	<-ended
	w.now = w.now.Add(hold + 2*time.Second)
	w.deliver("b", ofClass(loop.ClassOnce))
	w.pump()
	if !crashed || len(w.sent) != 1 || w.status("e") != loop.StatusParked {
		t.Errorf("crashed %v, sent %d times, ended %s", crashed, len(w.sent), w.status("e"))
	}
}

func TestASetEffectIsReadBackOnlyWhenItsRequestCanNoLongerLand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Retry, Evidence: "no answer"}}
	w.deliver("a", ofClass(loop.ClassSet))
	w.pump()
	if waited := w.now.Sub(epoch); waited < hold {
		t.Errorf("read back after %s; the first request may land until %s", waited, hold)
	}
}

func TestAHolderOutOfTimeGivesBackInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	slow := false
	w.clock = func() time.Time { // the claim's write takes as long as the claim lasts
		if !slow && w.claimed("e") {
			slow = true
			w.now = w.now.Add(hold)
		}
		return w.now
	}
	w.deliver("a", ofClass(loop.ClassOnce))
	w.pump()
	if !slow || len(w.sent) != 1 || w.status("e") != loop.StatusDone {
		t.Errorf("slow %v, sent %d times, ended %s", slow, len(w.sent), w.status("e"))
	}
}

func TestTheFallbackOfAnEffectThatIsGivenUpLandsOnce(t *testing.T) {
	t.Parallel()
	e := effect("e")
	e.Fallback = &loop.Effect{}
	*e.Fallback = effect(loop.FallbackID("e"))
	for name, c := range map[string]struct {
		answers []act.Answer
		sent    string // the last one
	}{
		"refused":     {[]act.Answer{{Verdict: act.Refused, Evidence: "404"}}, loop.FallbackID("e")},
		"stays down":  {append(slices.Repeat([]act.Answer{{Verdict: act.Retry}}, 6), act.Answer{Verdict: act.Refused}), loop.FallbackID("e")},
		"lands by it": {nil, "e"},
	} {
		w := newWorld(t, nil)
		w.answers = c.answers
		w.deliver("a", e)
		w.pump()
		w.deliver("b", e) // the standby copy finds it parked and sends the fallback once more
		w.pump()
		if last := w.sent[len(w.sent)-1]; last != c.sent+" first" {
			t.Errorf("%s: the last thing sent is %s", name, last)
		}
		count := 0
		for _, s := range w.sent {
			if strings.HasPrefix(s, loop.FallbackID("e")) {
				count++
			}
		}
		if want := min(len(c.answers), 1); count != want {
			t.Errorf("%s: the fallback was sent %d times, want %d", name, count, want)
		}
	}
}

// An effect's fallback has the whole of its own time, though the first one has used its own up.
func TestAFallbackStartsItsOwnClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e := effect("e")
	fallback := effect(loop.FallbackID("e"))
	e.Fallback = &fallback
	w.during = func() {
		if w.now.Before(epoch.Add(15 * time.Minute)) {
			w.answers = []act.Answer{{Verdict: act.Retry, Evidence: "503"}}
		}
	}
	w.deliver("a", e)
	w.pump()
	if w.status("e") != loop.StatusParked || w.status(fallback.ID) != loop.StatusDone {
		t.Errorf("ended %s, its fallback %s", w.status("e"), w.status(fallback.ID))
	}
}

func TestBackoffIsTheActionsOwnAndNeverOverflows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e := effect("e")
	e.Backoff = loop.Backoff{Base: loop.Duration(4 * time.Minute), Cap: loop.Duration(time.Hour)}
	w.answers = []act.Answer{{Verdict: act.Retry}}
	w.deliver("a", e)
	w.pump()
	if waited := w.now.Sub(epoch); waited != 2*time.Minute { // the middle of what the jitter allows
		t.Errorf("waited %s", waited)
	}
	for failed := range 200 {
		b := act.Backoff{Base: time.Hour, Cap: 12 * time.Hour, Rand: func(n int64) int64 { return n - 1 }}
		if got := b.Next(failed); got < time.Hour-1 || got > 12*time.Hour {
			t.Fatalf("after %d failures: %s", failed, got)
		}
	}
}

// A target that asks for more time than the effect has is not waited for: the fallback must not be late.
func TestAWaitEndsWithTheEffectsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Retry, RetryAfter: time.Hour}}
	w.deliver("a", effect("e"))
	w.pump()
	if late := w.now.Sub(epoch.Add(15 * time.Minute)); len(w.sent) != 1 || w.status("e") != loop.StatusParked || late > 2*time.Second {
		t.Errorf("sent %d times, ended %s, %s after its time", len(w.sent), w.status("e"), late)
	}
}

// A wait beyond what SQS can delay is walked in legs; each looks at the claim and goes on.
func TestAWaitOfHoursIsWalkedInLegs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e := effect("e")
	e.ExpireAfter = loop.Duration(48 * time.Hour)
	w.answers = []act.Answer{{Verdict: act.Retry, RetryAfter: 7 * time.Hour}}
	w.deliver("a", e)
	w.pump()
	if waited := w.now.Sub(epoch); len(w.sent) != 2 || waited < 7*time.Hour || waited > 7*time.Hour+time.Minute {
		t.Errorf("sent %d times, the last after %s", len(w.sent), waited)
	}
}

// claimed says whether a claim stands, without asking through a handler.
func (w *world) claimed(id string) bool {
	_, err := w.claims.In("a").Get(w.t.Context(), id)
	return err == nil
}
