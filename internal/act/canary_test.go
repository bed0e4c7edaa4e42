package act_test

import (
	"context"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/receipt"
)

// answering is a target that is a function.
type answering func(loop.Effect) act.Answer

func (f answering) Deliver(_ context.Context, e loop.Effect) act.Answer { return f(e) }

func canary(id string) loop.Effect {
	return loop.Effect{
		ID: id, RuleID: loop.CanaryRule, Key: "signals", Phase: loop.PhaseGuard, Step: loop.TargetReceipt, Action: loop.CanaryRule,
		Target: loop.TargetReceipt, Class: loop.ClassNative, Fence: loop.SignalFence(loop.Position{Time: epoch, SignalKey: "s"}),
		Timeout: loop.Duration(time.Second), ExpireAfter: loop.Duration(loop.CanaryKeep),
	}
}

func (w *world) receipts(t *testing.T) (all map[string]string) {
	t.Helper()
	docs, err := mem.NewDocuments(w.tables, "a").Query(t.Context(), "a", loop.ReceiptKey("a"))
	if err != nil {
		t.Fatal(err)
	}
	all = map[string]string{}
	for input, raw := range docs {
		all[input] = string(raw)
	}
	return all
}

// A canary goes through claim and commit like every effect, and no kill switch or silence of a user's stops it: they are
// for what the loop does to others, and a region must not look dead because its operator stopped all rules.
func TestACanaryLeavesItsReceiptWhateverIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	controls := w.controlled(nil)
	with := w.more
	w.more = func(c *act.Config) {
		with(c)
		c.Targets[loop.TargetReceipt] = receipt.Target{Region: "a", Docs: mem.NewDocuments(w.tables, "a"), Now: func() time.Time { return w.now }}
	}
	change(t, controls, killed(loop.ScopeAll))
	w.now = epoch.Add(2 * time.Second)
	w.deliver("a", canary("c"))
	const want = `{"input":"signals","sentAt":"2026-01-01T00:00:00Z","landedAt":"2026-01-01T00:00:02Z"}`
	if got := w.receipts(t); got["signals"] != want || w.claim("c").Status != loop.StatusDone {
		t.Errorf("%v, claim %+v", got, w.claim("c"))
	}
}

// What an outage leaves of canaries waits for nobody: not parked, whatever was tried.
func TestACanaryThatIsLateExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	attempts := 0
	w.more = func(c *act.Config) {
		c.Targets[loop.TargetReceipt] = answering(func(loop.Effect) act.Answer {
			attempts++
			return act.Answer{Verdict: act.Retry, Evidence: "down"}
		})
	}
	w.deliver("a", canary("c"))
	w.now = epoch.Add(loop.CanaryKeep + time.Second)
	w.deliver("a", canary("c"))
	if c := w.claim("c"); c.Status != loop.StatusExpired || attempts != 1 {
		t.Errorf("%s after %d attempts: %s", c.Status, attempts, c.Evidence)
	}
}
