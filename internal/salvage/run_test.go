package salvage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

func views(of map[string]region.View) map[string]region.View {
	all := map[string]region.View{east: {}, west: {}, middle: {}}
	for name, v := range of {
		all[name] = v
	}
	return all
}

func drained(ago time.Duration, order region.Order) region.View {
	writer := "us-east-1"
	if order != "" {
		writer = region.OperatorKey(west)
	}
	return region.View{Entries: map[string]region.Entry{writer: {State: region.Drained, Since: noon.Add(-ago), Order: order}}}
}

// again is a drain that a person has just ordered again.
func again(ago time.Duration) region.View {
	return region.View{Entries: map[string]region.Entry{
		region.OperatorKey(west): {State: region.Drained, Since: noon, Drained: noon.Add(-ago), Order: region.Drain},
	}}
}

func objected() region.View {
	v := region.View{Verdicts: map[string]region.Verdict{}}
	for _, o := range []string{east, west} {
		v.Verdicts[o] = region.Verdict{At: noon, Since: noon}
	}
	return v
}

func TestOnlyAWellRegionSalvagesAndOnlyWhatIsDrained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		views map[string]region.View
		due   []string
	}{
		"all are active":                   {nil, nil},
		"one is drained by a person":       {map[string]region.View{east: drained(salvage.Settle, region.Drain)}, []string{east}},
		"one is drained by observers":      {map[string]region.View{east: drained(salvage.Settle, "")}, []string{east}},
		"two are":                          {map[string]region.View{east: drained(time.Hour, ""), middle: drained(time.Hour, "")}, []string{middle, east}},
		"and again a moment ago":           {map[string]region.View{east: again(salvage.Settle)}, []string{east}},
		"it has just been drained":         {map[string]region.View{east: drained(salvage.Settle-time.Second, region.Drain)}, nil},
		"this one is drained, too":         {map[string]region.View{east: drained(time.Hour, ""), west: drained(time.Hour, region.Drain)}, nil},
		"two object to this one":           {map[string]region.View{east: drained(time.Hour, region.Drain), west: objected()}, nil},
		"two object to one that is active": {map[string]region.View{east: objected()}, nil}, // a flip that is due is not one that has settled
		"it takes signals, for nobody else does": {map[string]region.View{
			east: drained(time.Hour, ""), west: drained(time.Hour, ""), middle: drained(time.Hour, ""),
		}, nil},
	} {
		if got := salvage.Due(noon, west, views(c.views)); !slices.Equal(got, c.due) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func (w *world) worker(states map[string]region.View) *salvage.Worker {
	return &salvage.Worker{
		Region: west, Queues: w.Poller(west), Now: func() time.Time { return w.now },
		States: func(_ context.Context, table string) (map[string]region.View, error) {
			if table != west {
				return nil, errors.New("asked in " + table)
			}
			return views(states), nil
		},
	}
}

// A run moves so much and no more, from all queues, and goes past what stays.
func TestARunIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	for i := range 25 {
		w.put(t, loop.QueueInbox, loop.Outgoing{Body: fmt.Appendf(nil, "event %d", i)})
		w.put(t, loop.QueueActions, message(effect(fmt.Sprint(i))))
	}
	for i := range 45 {
		w.put(t, loop.QueueSignals, message(standby(signal(fmt.Sprint(i)))))
	}
	worker := w.worker(map[string]region.View{east: drained(time.Hour, region.Drain)})
	report, err := worker.Run(t.Context())
	if got := report[east]; err != nil || got.Moved != 50 || got.Stayed != 45 {
		t.Errorf("%+v, %v", report, err)
	}
	for range 2100 {
		w.put(t, loop.QueueActions, message(effect("again")))
	}
	if report, err = worker.Run(t.Context()); err != nil || report[east].Moved != 2000 {
		t.Errorf("%+v, %v", report, err)
	}
	// Nor does it go on into the next one.
	slow := w.worker(map[string]region.View{east: drained(time.Hour, region.Drain)})
	slow.Now = func() time.Time { w.now = w.now.Add(4 * time.Second); return w.now }
	if report, err = slow.Run(t.Context()); err != nil || report[east].Moved == 0 || report[east].Moved > 50 {
		t.Errorf("%+v, %v", report, err)
	}
}

// Where ingest has been dead for an hour, its canaries lie before what producers go on sending. They are dropped, for
// nobody waits for them; those that may still come through stay.
func TestCanariesOfAnHourDoNotStandInTheWayOfSignals(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	for i := range 120 {
		w.put(t, loop.QueueInbox, beatOf(noon.Add(-time.Hour+time.Duration(i)*loop.CanaryEvery)))
		if i%40 == 0 {
			w.put(t, loop.QueueInbox, loop.Outgoing{Body: fmt.Appendf(nil, "event %d", i)})
		}
	}
	report, err := w.worker(map[string]region.View{east: drained(time.Hour, "")}).Run(t.Context())
	if got := w.lying(west, loop.QueueInbox); err != nil || !slices.Equal(got, []string{"event 0", "event 40", "event 80"}) {
		t.Errorf("%+v, %v: moved %q", report, err, got)
	}
	if left := w.lying(east, loop.QueueInbox); len(left) != 3 { // as old as CanaryKeep, and younger
		t.Errorf("%d stay", len(left))
	}
}

func beatOf(at time.Time) loop.Outgoing {
	body, err := loop.Marshal(loop.Signal{ID: at.String(), Source: loop.CanarySource, Type: loop.CanaryType, Time: at})
	if err != nil {
		panic(err)
	}
	return loop.Outgoing{Body: body, Group: loop.CanaryRule}
}

func TestARegionThatDoesNotAnswerCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	down := errors.New("unreachable")
	w := newWorld(mem.On(func(op mem.Op) bool { return op.From == west && op.Region == middle }, down))
	w.put(t, loop.QueueInbox, loop.Outgoing{Body: []byte("event")})
	report, err := w.worker(map[string]region.View{east: drained(time.Hour, ""), middle: drained(time.Hour, "")}).Run(t.Context())
	if !errors.Is(err, down) || report[east].Moved != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}
