package act_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// fleet is act's invocations as an event source mapping runs them: so many at once, each with a batch of up to ten
// messages, of which none is acknowledged before all are through.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
type fleet struct {
	concurrency int
	rate        int           // effects a second of each of ten actions
	slow        time.Duration // what the first action's target takes
	lasts       time.Duration
	flood       int  // effects of the first action that come in the first second
	ungrouped   bool // messages name no group
}

// run gives the times from the acceptance of an effect to its end, of the nine other actions, in order.
func (f fleet) run(t *testing.T) (others []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		targets := paced{"hook-0": func() time.Duration { return f.slow }}
		for i := 1; i < 10; i++ {
			pace := 10*time.Millisecond + time.Duration(random.Int64N(int64(40*time.Millisecond)))
			targets[fmt.Sprint("hook-", i)] = func() time.Duration { return pace }
		}
		arrived := make(chan struct{}, 1)
		queues := mem.NewQueues(mem.QueuesConfig{Now: time.Now, Visibility: 3 * time.Minute, Arrived: func(string, string, time.Time) {
			select {
			case arrived <- struct{}{}:
			default:
			}
		}})
		took := &dwell{}
		owners := 0
		h := act.New(act.Config{
			Region: "a", Claims: mem.NewClaims(nil).In("a"), Queue: queues.From("a"), Targets: map[string]act.Target{loop.TargetWebhook: targets},
			Hold: hold, Margin: time.Second, Backoff: act.DefaultBackoff(), Unclaimed: act.DefaultBackoff(), Now: time.Now,
			NewOwner: func() string { took.mu.Lock(); defer took.mu.Unlock(); owners++; return fmt.Sprint("a/", owners) }, Recorder: took,
		})
		send := func(id string, action int) {
			e := effect(id)
			e.Action = fmt.Sprint("hook-", action)
			body, err := loop.Encode(loop.Item{AcceptedAt: time.Now(), Input: "default", Effect: &e})
			out := loop.Outgoing{Body: body, Group: e.Action}
			if f.ungrouped {
				out.Group = ""
			}
			if err = errors.Join(err, queues.From("a").Send(t.Context(), "a", loop.QueueActions, []loop.Outgoing{out})[0]); err != nil {
				t.Error(err)
			}
		}
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for n := range f.flood {
				send(fmt.Sprint("flood-", n), 0)
			}
			for n := range int(f.lasts/time.Second) * f.rate {
				for i := range 10 {
					send(fmt.Sprintf("%d-%d", n, i), i)
					time.Sleep(time.Second / time.Duration(10*f.rate))
				}
			}
		}()
		slots := make(chan struct{}, f.concurrency)
		var invocations sync.WaitGroup
		// takeAll starts an invocation for each batch that is there, and says whether there was any.
		takeAll := func() (any bool) {
			for {
				slots <- struct{}{}
				got := queues.Receive("a", loop.QueueActions, 10)
				if len(got) == 0 {
					<-slots
					return any
				}
				any = true
				invocations.Go(func() {
					msgs := make([]loop.Message, len(got))
					for i, d := range got {
						msgs[i] = d.Message
					}
					failed := h.Handle(t.Context(), msgs)
					for _, d := range got {
						if !slices.Contains(failed, d.ID) {
							queues.Ack("a", loop.QueueActions, d.Receipt)
						}
					}
					<-slots
				})
			}
		}
		for running := true; running; {
			select {
			case <-arrived:
			case <-sent:
				running = false
			}
			takeAll()
		}
		for more := true; more; more = takeAll() { // what an invocation gave back is there when it has ended
			invocations.Wait()
		}
		others = took.others
	})
	slices.Sort(others)
	return others
}

// dwell keeps how long each effect took from its acceptance on.
type dwell struct {
	mu     sync.Mutex
	others []time.Duration
}

func (d *dwell) Landed(_ context.Context, l *act.Landing) {
	if l.Item.Effect.Action == "hook-0" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.others = append(d.others, time.Since(l.Item.AcceptedAt))
}
func (*dwell) Retried(context.Context, *act.Landing, time.Duration) {}

func p99Of(all []time.Duration) time.Duration { return all[len(all)*99/100] }

// FAULTS 31, over many invocations: an event source mapping runs 50 of them (infra's default), and one target of ten
// takes four seconds. While it holds fewer than all of them (its rate times its time: here 8 and 40), it moves the
// others by nothing.
func TestASlowTargetDoesNotMoveTheOthersOfAFleet(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{2, 10} {
		f := fleet{concurrency: 50, rate: rate, slow: 20 * time.Millisecond, lasts: 10 * time.Second}
		usual := p99Of(f.run(t))
		f.slow = 4 * time.Second
		beside := p99Of(f.run(t))
		t.Logf("%d effects a second of each of ten actions: p99 of nine %s, beside one that takes 4 s %s", rate, usual, beside)
		if float64(beside) > 1.2*float64(usual) {
			t.Errorf("a slow target moved the others from %s to %s", usual, beside)
		}
	}
}

// FAULTS 16: 1,500 effects of one action come at once, a quarter of a minute's work for all of act. The others pass them by,
// since each action is a message group of its own: they wait for an invocation to end, not for the backlog.
func TestAFloodOfOneActionIsPassedByTheOthers(t *testing.T) {
	t.Parallel()
	f := fleet{concurrency: 10, rate: 2, slow: time.Second, lasts: 10 * time.Second, flood: 1500}
	beside := p99Of(f.run(t))
	f.ungrouped = true
	behind := p99Of(f.run(t))
	t.Logf("p99 of nine actions beside a flood: %s; behind it, without groups: %s", beside, behind)
	if beside > 2*f.slow || behind < 5*f.slow {
		t.Errorf("p99 %s with groups, %s without", beside, behind)
	}
}
