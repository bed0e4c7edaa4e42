package salvage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

// swallowing answers nothing from a region, for one call or, where name is "", for all.
type swallowing struct {
	salvage.Queues
	from, name string
}

func (s swallowing) swallow(ctx context.Context, region, name string) error {
	if region == s.from && (s.name == "" || s.name == name) {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (s swallowing) Receive(ctx context.Context, region, queue string, limit int, wait, hold time.Duration) ([]loop.Received, error) {
	if err := s.swallow(ctx, region, "Receive"); err != nil {
		return nil, err
	}
	return s.Queues.Receive(ctx, region, queue, limit, wait, hold)
}

func (s swallowing) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	if err := s.swallow(ctx, region, "Send"); err != nil {
		errs := make([]error, len(msgs))
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	return s.Queues.Send(ctx, region, queue, msgs)
}

func (s swallowing) Delete(ctx context.Context, region, queue string, handles []string) error {
	if err := s.swallow(ctx, region, "Delete"); err != nil {
		return err
	}
	return s.Queues.Delete(ctx, region, queue, handles)
}

func (s swallowing) Return(ctx context.Context, region, queue string, handles []string) error {
	if err := s.swallow(ctx, region, "Return"); err != nil {
		return err
	}
	return s.Queues.Return(ctx, region, queue, handles)
}

func statesOf(of map[string]region.View) func(context.Context, string) (map[string]region.View, error) {
	return func(context.Context, string) (map[string]region.View, error) { return views(of), nil }
}

// A region that swallows packets, one kind of call or all, costs the one after it nothing, and the run ends by itself.
func TestARegionThatSwallowsPacketsHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Receive", "Send", "Delete", "Return"} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			w.Queues = mem.NewQueues(mem.QueuesConfig{Now: time.Now})
			for _, queue := range loop.Queues() {
				for i := range 30 {
					for _, from := range []string{middle, east} {
						for n, m := range []loop.Outgoing{message(signal(fmt.Sprint(i))), message(standby(signal(fmt.Sprint(i))))} {
							if n == 1 && queue == loop.QueueInbox {
								continue
							}
							if err := w.Send(t.Context(), from, queue, []loop.Outgoing{m})[0]; err != nil {
								t.Fatal(err)
							}
						}
					}
				}
			}
			for range salvage.Renew - 1 { // the copies are due to be renewed
				for _, queue := range []string{loop.QueueSignals, loop.QueueActions} {
					for _, d := range w.Receive(middle, queue, 100) {
						w.Release(middle, queue, d.Receipt, 0)
					}
				}
			}
			at := time.Now()
			due := map[string]region.View{}
			for _, name := range []string{east, middle} {
				due[name] = region.View{Entries: map[string]region.Entry{"us-east-1": {State: region.Drained, Since: at.Add(-time.Hour)}}}
			}
			worker := &salvage.Worker{Region: west, Queues: swallowing{w.Poller(west), middle, name}, Now: time.Now, States: statesOf(due)}
			report, err := worker.Run(t.Context())
			if took := time.Since(at); took > salvage.Longest || report[east].Moved != 90 || err == nil {
				t.Errorf("%q is swallowed: %s, %+v, %v", name, took, report, err)
			}
			// What was moved before a copy was not taken is deleted all the same.
			if here, there := len(w.lying(middle, loop.QueueActions)), len(w.lying(west, loop.QueueActions)); name == "Send" && here+there != 90 {
				t.Errorf("%d are here and %d there", here, there)
			}
		})
	}
}

// Nor does one that has more than a run can move.
func TestEachRegionHasItsShare(t *testing.T) {
	t.Parallel()
	var w *world
	running := false
	w = newWorld(func(op mem.Op) error {
		if running && op.Name == "Receive" && op.When == mem.Before {
			w.now = w.now.Add(time.Second)
		}
		return nil
	})
	for i := range 1000 {
		for _, queue := range loop.Queues() {
			if err := w.Send(t.Context(), middle, queue, []loop.Outgoing{message(signal(fmt.Sprint(i)))})[0]; err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, queue := range loop.Queues() {
		w.put(t, queue, message(signal("a")))
	}
	running = true
	began := w.now
	report, err := w.worker(map[string]region.View{east: drained(time.Hour, ""), middle: drained(time.Hour, "")}).Run(t.Context())
	if took := w.now.Sub(began); err != nil || report[east].Moved != 3 || took > salvage.Longest {
		t.Errorf("%s: %+v, %v", took, report, err)
	}
	for _, queue := range loop.Queues() { // and each queue has one, too
		if len(w.lying(west, queue)) < 2 {
			t.Errorf("nothing of %s was moved", queue)
		}
	}
}

// What fails at one queue keeps no other.
func TestAnErrorAtAQueueKeepsNoOther(t *testing.T) {
	t.Parallel()
	for _, bad := range loop.Queues() {
		down := errors.New("refused")
		running := false
		w := newWorld(mem.On(func(op mem.Op) bool { return running && op.Key == bad }, down))
		for _, queue := range loop.Queues() {
			w.put(t, queue, message(signal("a")))
		}
		running = true
		report, err := w.worker(map[string]region.View{east: drained(time.Hour, "")}).Run(t.Context())
		if !errors.Is(err, down) || report[east].Moved != 2 {
			t.Errorf("%s: %+v, %v", bad, report, err)
		}
	}
}

// patient is what a receive is asked for.
type patient struct {
	salvage.Queues
	least time.Duration
}

func (p *patient) Receive(ctx context.Context, region, queue string, limit int, wait, hold time.Duration) ([]loop.Received, error) {
	p.least = min(p.least, wait)
	return p.Queues.Receive(ctx, region, queue, limit, wait, hold)
}

// A receive that does not wait asks some of SQS's servers, so that what it does not find may be there.
func TestNoReceiveIsShort(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	worker := w.worker(map[string]region.View{east: drained(time.Hour, "")})
	p := &patient{worker.Queues, time.Hour}
	worker.Queues = p
	if _, err := worker.Run(t.Context()); err != nil || p.least < time.Second || p.least > 20*time.Second {
		t.Errorf("it waits for %s, %v", p.least, err)
	}
}

// A table that does not answer ends the run, before the next one begins.
func TestATableThatSwallowsEndsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		worker := &salvage.Worker{Region: west, Now: time.Now, States: func(ctx context.Context, _ string) (map[string]region.View, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		at := time.Now()
		if _, err := worker.Run(t.Context()); err == nil || time.Since(at) > 10*time.Second {
			t.Errorf("%s, %v", time.Since(at), err)
		}
	})
}
