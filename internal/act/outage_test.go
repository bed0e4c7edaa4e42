package act_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// cutOff is a world that cannot reach `claims` from the regions in which down says so, and whose targets are as strong
// as their classes.
func cutOff(t *testing.T, down func(region string) bool, passage func(loop.Effect) mem.Passage) (*world, *mem.Targets, *mem.Controls) {
	fault := func(op mem.Op) error {
		if op.When == mem.Before && down(op.From) {
			return errors.New("claims cannot be reached")
		}
		return nil
	}
	w := newWorld(t, fault)
	targets := mem.NewTargets(mem.TargetsConfig{Now: func() time.Time { return w.now }, Passage: passage})
	controls := mem.NewControls(fault)
	w.more = func(c *act.Config) {
		c.Targets[loop.TargetWebhook] = targets
		c.Controls = controls.In(c.Region)
	}
	return w, targets, controls
}

func unclaimed(c loop.Class) loop.Effect {
	e := ofClass(c)
	e.SendUnclaimed = true
	return e
}

func applied(targets *mem.Targets) (n int) {
	for _, r := range targets.Got() {
		if r.Applied {
			n++
		}
	}
	return n
}

// FAULTS 34, P2: claims cannot be reached from anywhere, and both regions send. What is sent twice is done once, each
// region sends once, and the claim is written when there is a table again.
func TestWithoutClaimsBothRegionsSendAndTheTargetKeepsOne(t *testing.T) {
	t.Parallel()
	for _, class := range []loop.Class{loop.ClassKeyed, loop.ClassFenced} {
		down := true
		w, targets, _ := cutOff(t, func(string) bool { return down }, nil)
		e := unclaimed(class)
		w.deliver("a", e)
		w.standby("b", e)
		w.rounds(20) // their messages go round
		if len(targets.Got()) != 2 || applied(targets) != 1 {
			t.Errorf("%s: %d requests, %d applied", class, len(targets.Got()), applied(targets))
		}
		down = false
		w.pump()
		if len(targets.Got()) != 2 || w.status("e") != loop.StatusDone {
			t.Errorf("%s, healed: %d requests, ended %s", class, len(targets.Got()), w.status("e"))
		}
	}
}

// rounds lets the regions work off what comes due next, n times.
func (w *world) rounds(n int) {
	w.t.Helper()
	for range n {
		if at, ok := w.queues.Next(); ok && at.After(w.now) {
			w.now = at
		}
		for _, region := range []string{"a", "b"} {
			for _, d := range w.queues.Receive(region, loop.QueueActions, 10) {
				if failed := w.handler(region).Handle(w.t.Context(), []loop.Message{d.Message}); len(failed) == 0 {
					w.queues.Ack(region, loop.QueueActions, d.Receipt)
				}
			}
		}
	}
}

// One region is cut off: it sends, and the other one claims and sends too.
func TestARegionThatIsCutOffSendsAndTheOtherOneToo(t *testing.T) {
	t.Parallel()
	cut := true
	w, targets, _ := cutOff(t, func(region string) bool { return cut && region == "a" }, nil)
	e := unclaimed(loop.ClassKeyed)
	w.deliver("a", e)
	w.standby("b", e)
	if len(targets.Got()) != 2 || applied(targets) != 1 || w.claimOf("b", "e").Status != loop.StatusDone {
		t.Errorf("%d requests, %d applied, ended %s", len(targets.Got()), applied(targets), w.claimOf("b", "e").Status)
	}
	cut = false
	w.pump()
	if len(targets.Got()) != 2 {
		t.Errorf("%d requests after it was healed", len(targets.Got()))
	}
}

func (w *world) claimOf(region, id string) loop.Claim {
	w.t.Helper()
	c, err := w.claims.In(region).Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// What is not sent without claims: what does not say so, and what has answered that it does not know the claim.
func TestWhatIsHeldWithoutClaims(t *testing.T) {
	t.Parallel()
	w, targets, _ := cutOff(t, func(string) bool { return true }, nil)
	w.deliver("a", ofClass(loop.ClassKeyed))
	shadow := unclaimed(loop.ClassKeyed)
	shadow.Shadow = true
	w.deliver("a", shadow)
	late := unclaimed(loop.ClassKeyed)
	late.ExpireAfter = loop.Duration(time.Nanosecond)
	w.now = epoch.Add(time.Second)
	w.deliver("a", late)
	if len(targets.Got()) != 0 {
		t.Errorf("sent %d", len(targets.Got()))
	}
	// A table that reads and refuses a write has answered.
	full := newWorld(t, failing("Open", 1))
	full.deliver("a", unclaimed(loop.ClassKeyed))
	if len(full.sent) != 0 {
		t.Errorf("sent %q although claims could be read", full.sent)
	}
}

// What was tried without a claim is known to the claim that is written afterwards: it was not left alone.
func TestAttemptsWithoutAClaimAreNotForgotten(t *testing.T) {
	t.Parallel()
	down := true
	w, targets, _ := cutOff(t, func(string) bool { return down }, func(loop.Effect) mem.Passage {
		return mem.Passage{Answer: &act.Answer{Verdict: act.Retry, Evidence: "no answer"}}
	})
	w.deliver("a", unclaimed(loop.ClassKeyed))
	w.rounds(5)
	tried := len(targets.Got())
	down = false
	w.now = epoch.Add(time.Hour)
	w.pump()
	c := w.claim("e")
	if tried < 2 || applied(targets) != 1 || c.Status != loop.StatusParked || c.Attempt != tried {
		t.Errorf("tried %d times, applied %d, ended %s after %d attempts: %s", tried, applied(targets), c.Status, c.Attempt, c.Evidence)
	}
}

// The kill switch and the silences that were read last hold, and a new one holds once it can be read.
func TestWithoutClaimsTheLastControlsHold(t *testing.T) {
	t.Parallel()
	down := false
	w, targets, controls := cutOff(t, func(string) bool { return down }, nil)
	change(t, controls, killed("r"))
	h := w.handler("a") // one process, which has read them
	handle := func(e loop.Effect) {
		body, err := loop.Encode(loop.Item{AcceptedAt: epoch, Input: "default", Effect: &e})
		if err != nil {
			t.Fatal(err)
		}
		h.Handle(t.Context(), []loop.Message{{ID: "m", Body: body}})
	}
	first := unclaimed(loop.ClassKeyed)
	first.ID = "first"
	handle(first)
	down, w.now = true, epoch.Add(time.Minute)
	handle(unclaimed(loop.ClassKeyed))
	if len(targets.Got()) != 0 {
		t.Fatal("sent although it was stopped before")
	}
	down = false
	w.pump()
	w.suppressed("e", "killed: ")
}

// hanging answers nothing until the caller gives up.
type hanging struct{ act.Claims }

func (hanging) Open(ctx context.Context, _ loop.Claim) (loop.Claim, bool, error) {
	<-ctx.Done()
	return loop.Claim{}, false, ctx.Err()
}

func (hanging) Get(ctx context.Context, _ string) (loop.Claim, error) {
	<-ctx.Done()
	return loop.Claim{}, ctx.Err()
}

// A table that hangs uses up no more than a moment of the invocation.
func TestClaimsThatHangAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.more = func(c *act.Config) { c.Claims, c.Now = hanging{c.Claims}, time.Now }
		start := time.Now()
		e := unclaimed(loop.ClassKeyed)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		body, err := loop.Encode(loop.Item{AcceptedAt: epoch, Input: "default", Effect: &e})
		if err != nil {
			t.Fatal(err)
		}
		w.handler("a").Handle(ctx, []loop.Message{{ID: "m", Body: body}})
		if len(w.sent) != 1 || time.Since(start) > 5*time.Second {
			t.Errorf("sent %q within %s", w.sent, time.Since(start))
		}
	})
}
