package act_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const hold = 15 * time.Second

// world is two regions over in-memory services, on virtual time.
type world struct {
	t       *testing.T
	now     time.Time
	clock   func() time.Time // in place of now, where a test needs it to move
	claims  *mem.Claims
	queues  *mem.Queues
	tables  *mem.Replicas
	answers []act.Answer // given in order; Delivered when there are none left
	sent    []string     // what the target got: effect id + body
	during  func()       // runs while the target is working
	owners  int
	more    func(*act.Config) // what a test adds to every handler
	ended   []loop.Status     // fresh landings
}

func newWorld(t *testing.T, fault mem.Fault) *world {
	w := &world{t: t, now: epoch}
	clock := func() time.Time { return w.now }
	w.claims = mem.NewClaims(fault)
	w.queues = mem.NewQueues(mem.QueuesConfig{Now: clock, Visibility: time.Minute})
	w.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: clock, Immediate: true})
	return w
}

func (w *world) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	if ctx.Err() != nil {
		w.t.Errorf("%s is sent with no time left", e.ID)
	}
	w.sent = append(w.sent, e.ID+" "+e.Request.Body)
	if w.during != nil {
		w.during()
	}
	if len(w.answers) == 0 {
		return act.Answer{Verdict: act.Delivered, Evidence: "200"}
	}
	next := w.answers[0]
	w.answers = w.answers[1:]
	return next
}

func (w *world) Landed(_ context.Context, l *act.Landing) {
	if !l.Repeat {
		w.ended = append(w.ended, l.Status)
	}
}
func (w *world) Retried(context.Context, *act.Landing, time.Duration) {}

func (w *world) handler(region string) *act.Handler {
	middle := act.Backoff{Base: time.Second, Cap: time.Minute, Rand: func(n int64) int64 { return n / 2 }}
	c := act.Config{
		Region: region, Claims: w.claims.In(region), Outputs: mem.NewOutputs(w.tables, region), Queue: w.queues.From(region),
		Targets: map[string]act.Target{loop.TargetWebhook: w}, Hold: hold, Margin: time.Second, Backoff: middle, Unclaimed: middle,
		Now: func() time.Time {
			if w.clock != nil {
				return w.clock()
			}
			return w.now
		},
		NewOwner: func() string { w.owners++; return fmt.Sprintf("%s/%d", region, w.owners) },
		Recorder: w,
	}
	if w.more != nil {
		w.more(&c)
	}
	return act.New(c)
}

// deliver hands one effect to a region's handler, as one message.
func (w *world) deliver(region string, e loop.Effect) {
	w.t.Helper()
	if failed := w.handle(region, e); len(failed) > 0 {
		w.t.Fatalf("message failed in %s", region)
	}
}

func (w *world) handle(region string, e loop.Effect) []string {
	w.t.Helper()
	return w.item(region, loop.Item{AcceptedAt: epoch, Input: "default", Effect: &e})
}

// standby hands a region the copy that waited for another one.
func (w *world) standby(region string, e loop.Effect) {
	w.t.Helper()
	if failed := w.item(region, loop.Item{AcceptedAt: epoch, Input: "default", Standby: true, Effect: &e}); len(failed) > 0 {
		w.t.Fatalf("message failed in %s", region)
	}
}

func (w *world) item(region string, it loop.Item) []string {
	w.t.Helper()
	body, err := loop.Encode(it)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.handler(region).Handle(w.t.Context(), []loop.Message{{ID: "m", Body: body}})
}

// pump lets both regions work off their queues until they are empty, moving the clock to whatever comes next.
func (w *world) pump() {
	w.t.Helper()
	for range 1000 {
		for _, region := range []string{"a", "b"} {
			for _, d := range w.queues.Receive(region, loop.QueueActions, 10) {
				if failed := w.handler(region).Handle(w.t.Context(), []loop.Message{d.Message}); len(failed) == 0 {
					w.queues.Ack(region, loop.QueueActions, d.Receipt)
				}
			}
		}
		at, ok := w.queues.Next()
		if !ok {
			return
		}
		if at.After(w.now) {
			w.now = at
		}
	}
	w.t.Fatal("the queues do not run empty")
}

func (w *world) status(id string) loop.Status {
	w.t.Helper()
	c, err := w.claims.In("a").Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Status
}

func effect(id string) loop.Effect {
	return loop.Effect{
		ID: id, RuleID: "r", Key: "k", Phase: loop.PhaseDo, Step: "s", Action: "hook", Target: loop.TargetWebhook, Class: loop.ClassKeyed,
		Request: &loop.Request{Method: "POST", URL: "https://example.com", Body: "first"}, Fence: "1",
		Timeout: loop.Duration(5 * time.Second), ExpireAfter: loop.Duration(15 * time.Minute), Horizon: loop.Duration(24 * time.Hour),
	}
}

func TestAThousandDeliveriesInTwoRegionsSendOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range 1000 {
		w.deliver([]string{"a", "b"}[i%2], effect("e"))
	}
	if len(w.sent) != 1 || !slices.Equal(w.ended, []loop.Status{loop.StatusDone}) {
		t.Errorf("sent %d times, ended %v", len(w.sent), w.ended)
	}
}

// FAULTS 27a: the standby copy comes while the first region holds the claim, and that region then dies.
func TestACopyWaitsForALiveHolderAndTakesOverFromADeadOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	dead := loop.Claim{
		EffectID: "e", Status: loop.StatusClaimed, Owner: "a/dead", Token: 1, Deadline: epoch.Add(hold), Effect: effect("e"), AcceptedAt: epoch,
	}
	if _, opened, err := w.claims.In("a").Open(t.Context(), dead); err != nil || !opened {
		t.Fatal(opened, err)
	}
	rewritten := effect("e")
	rewritten.Request.Body = "rewritten by a deployment"
	w.deliver("b", rewritten)
	if len(w.sent) != 0 {
		t.Fatal("sent while another one held the claim")
	}
	w.pump()
	if !slices.Equal(w.sent, []string{"e first"}) {
		t.Errorf("sent %q: want the bytes that were claimed first, once", w.sent)
	}
	if waited := w.now.Sub(epoch); waited < hold || waited > hold+2*time.Second {
		t.Errorf("took over after %s, the claim lasts %s", waited, hold)
	}
}

// FAULTS 27: a paused holder wakes after another one finished; its commit must not overwrite.
func TestAPausedHolderCannotCommitOverAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Refused, Evidence: "400 to the paused one"}}
	w.during = func() {
		w.during = nil
		w.now = w.now.Add(hold + time.Second)
		w.answers = append([]act.Answer{{Verdict: act.Delivered}}, w.answers...)
		w.deliver("b", effect("e"))
	}
	w.deliver("a", effect("e"))
	w.pump()
	if got := w.status("e"); got != loop.StatusDone {
		t.Errorf("the claim is %s, want done as the second holder committed", got)
	}
}

func TestAFailureIsRetriedWithTheSameBytesUntilItIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for range 2 {
		w.answers = append(w.answers, act.Answer{Verdict: act.Retry, Evidence: "503"})
	}
	w.deliver("a", effect("e"))
	w.pump()
	if !slices.Equal(w.sent, []string{"e first", "e first", "e first"}) || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s", w.sent, w.status("e"))
	}
	down := newWorld(t, nil)
	down.answers = slices.Repeat([]act.Answer{{Verdict: act.Retry, Evidence: "503"}}, 200)
	down.deliver("a", effect("e"))
	down.pump()
	if down.status("e") != loop.StatusParked {
		t.Errorf("a target that stays down ends in %s", down.status("e"))
	}
	if late := down.now.Sub(epoch.Add(15 * time.Minute)); late < 0 || late > 2*time.Second {
		t.Errorf("given up %s after its time", late)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Retry, RetryAfter: 2 * time.Minute}}
	w.deliver("a", effect("e"))
	w.pump()
	if waited := w.now.Sub(epoch); waited < 2*time.Minute || len(w.sent) != 2 {
		t.Errorf("sent again after %s, %d times", waited, len(w.sent))
	}
}

func TestAPermanentRefusalIsParkedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answers = []act.Answer{{Verdict: act.Refused, Evidence: "404"}}
	w.deliver("a", effect("e"))
	w.pump()
	if len(w.sent) != 1 || w.status("e") != loop.StatusParked {
		t.Errorf("sent %d times, ended %s", len(w.sent), w.status("e"))
	}
}

// FAULTS 26: the answers of claim and commit are lost, each after it was applied.
func TestALostAnswerIsReadNotGuessed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Open", "Swap"} {
		lost := false
		w := newWorld(t, func(op mem.Op) error {
			if op.Name == name && op.When == mem.After && !lost {
				lost = true
				return errors.New("connection reset")
			}
			return nil
		})
		w.deliver("a", effect("e"))
		w.pump()
		if !lost || len(w.sent) != 1 || w.status("e") != loop.StatusDone {
			t.Errorf("%s: lost %v, sent %d times, ended %s", name, lost, len(w.sent), w.status("e"))
		}
	}
}

// FAULTS 34: while claims cannot be reached nothing is sent and nothing is lost.
func TestWithoutClaimsEffectsAreHeld(t *testing.T) {
	t.Parallel()
	down := true
	w := newWorld(t, func(mem.Op) error {
		if down {
			return errors.New("unreachable")
		}
		return nil
	})
	w.deliver("a", effect("e"))
	if len(w.sent) != 0 {
		t.Fatal("sent without a claim")
	}
	down = false
	w.pump()
	if len(w.sent) != 1 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %d times, ended %s", len(w.sent), w.status("e"))
	}
}

// FAULTS 27b: the undo comes first. The do is fenced out and both are superseded.
func TestAnUndoThatComesFirstFencesItsDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	undo := effect("undo")
	undo.Phase, undo.Undoes = loop.PhaseUndo, "do"
	w.deliver("a", undo)
	w.deliver("b", effect("do"))
	w.pump()
	if len(w.sent) != 0 || w.status("do") != loop.StatusSuperseded || w.status("undo") != loop.StatusSuperseded {
		t.Errorf("sent %q, do %s, undo %s", w.sent, w.status("do"), w.status("undo"))
	}
}

func TestAnUndoRunsAfterItsDoAndParksWithIt(t *testing.T) {
	t.Parallel()
	undo := effect("undo")
	undo.Phase, undo.Undoes = loop.PhaseUndo, "do"
	w := newWorld(t, nil)
	w.deliver("a", effect("do"))
	w.deliver("b", undo)
	w.pump()
	if !slices.Equal(w.sent, []string{"do first", "undo first"}) {
		t.Errorf("sent %q", w.sent)
	}
	parked := newWorld(t, nil)
	parked.answers = []act.Answer{{Verdict: act.Refused}}
	parked.deliver("a", effect("do"))
	parked.deliver("a", undo)
	parked.pump()
	if len(parked.sent) != 1 || parked.status("undo") != loop.StatusParked {
		t.Errorf("sent %q, undo %s", parked.sent, parked.status("undo"))
	}
}

// An undo that comes while its do is still under way waits for it, but not for the whole of its claim.
func TestAnUndoFollowsItsDoWithinSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	undo := effect("undo")
	undo.Phase, undo.Undoes = loop.PhaseUndo, "do"
	w.during = func() {
		w.during = nil
		w.deliver("b", undo)
	}
	w.deliver("a", effect("do"))
	w.pump()
	if waited := w.now.Sub(epoch); w.status("undo") != loop.StatusDone || waited > 3*time.Second {
		t.Errorf("undo ended %s after %s", w.status("undo"), waited)
	}
}

func TestWhatExpiredIsNotStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.now = epoch.Add(16 * time.Minute)
	w.deliver("a", effect("e"))
	if len(w.sent) != 0 || w.status("e") != loop.StatusExpired {
		t.Errorf("sent %d times, ended %s", len(w.sent), w.status("e"))
	}
}

func TestAFinalStateThatARuleWantsIsEmittedOnceById(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	e := effect("e")
	e.Emit = []loop.Status{loop.StatusDone}
	w.deliver("a", e)
	w.standby("b", e) // the standby copy emits too, in its own region: the same signal, and a standby's
	var told []loop.Item
	for _, region := range []string{"a", "b"} {
		for _, d := range w.queues.Receive(region, loop.QueueSignals, 10) {
			var env loop.Envelope
			if err := json.Unmarshal(d.Body, &env); err != nil {
				t.Fatal(err)
			}
			told = append(told, env.Items...)
		}
	}
	if len(told) != 2 || told[0].Standby || !told[1].Standby {
		t.Fatalf("outcomes: %+v", told)
	}
	if told[1].Standby = false; !reflect.DeepEqual(told[0], told[1]) {
		t.Errorf("outcomes: %+v", told)
	}
}

// FAULTS 28: the target forgets the key at its horizon. A retry shortly before could land after that and would be a
// second effect: it is not sent.
func TestNoRetryIsSentThatCouldLandPastTheHorizon(t *testing.T) {
	t.Parallel()
	e := effect("e")
	e.Horizon = loop.Duration(3 * time.Minute)
	w := newWorld(t, nil)
	w.answers = slices.Repeat([]act.Answer{{Verdict: act.Retry, Evidence: "no answer", RetryAfter: 5 * time.Second}}, 100)
	var last time.Time
	w.during = func() { last = w.now }
	w.deliver("a", e)
	w.pump()
	if slack := epoch.Add(e.Horizon.Std()).Sub(last); slack < time.Minute+e.Timeout.Std() || w.status("e") != loop.StatusParked {
		t.Errorf("the last request left %s before the horizon; the effect ended %s", slack, w.status("e"))
	}
}

// FAULTS 37, P4: the region is lost after it wrote the output and committed, and before the write was replicated.
func TestAnOutputSurvivesTheRegionThatWroteIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: func() time.Time { return w.now }}) // nothing is replicated
	e := effect("e")
	e.Output = &loop.OutputSpec{Key: "k", Value: []byte(`1`)}
	w.deliver("a", e)
	body, err := loop.Encode(loop.Item{AcceptedAt: epoch, Input: "default", Effect: &e, Standby: true})
	if err != nil {
		t.Fatal(err)
	}
	w.now = epoch.Add(20 * time.Second)
	if failed := w.handler("b").Handle(t.Context(), []loop.Message{{ID: "m", Body: body}}); len(failed) > 0 {
		t.Fatal("the standby's message failed")
	}
	out, err := mem.NewOutputs(w.tables, "b").Read(t.Context(), "k")
	if err != nil || out.Fence != e.Fence || !out.WrittenAt.Equal(epoch) || len(w.sent) != 1 {
		t.Errorf("read %+v, %v; sent %d times", out, err, len(w.sent))
	}
}

func TestAnUnknownVersionComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	failed := w.handler("a").Handle(t.Context(), []loop.Message{{ID: "new", Body: []byte(`{"v":2}`)}, {ID: "bad", Body: []byte(`{`)}})
	if !slices.Equal(failed, []string{"new", "bad"}) {
		t.Errorf("failed: %v", failed)
	}
}
