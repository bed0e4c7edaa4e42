package observe_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// cloud is CloudWatch: a value for every minute there ever was.
type cloud struct{ reads []time.Time }

// Read implements ingest.Meter.
func (c *cloud) Read(_ context.Context, from, to time.Time, period time.Duration, metrics []loop.Metric) ([][]ingest.Value, error) {
	c.reads = append(c.reads, to)
	series := make([][]ingest.Value, len(metrics))
	for i := range metrics {
		for at := from; at.Before(to); at = at.Add(period) {
			series[i] = append(series[i], ingest.Value{At: at, Value: 1})
		}
	}
	return series, nil
}

// A producer that pushes each minute's value dies for half an hour: with the notes, the watchers and the pollers of both
// regions, every minute is a signal, pushed or read; what came both ways is one; and the standby is active in time.
func TestOverASwitchNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	s := newStage(loop.Input{
		Kind: loop.KindHTTP, Durability: loop.Regional, ExpectEvery: loop.Duration(time.Minute), Standby: "other",
	})
	s.now = at.Truncate(time.Minute)
	s.inputs["other"] = loop.Input{
		Kind: loop.KindPoll, Durability: loop.Regional, Source: "cloudwatch/prod", Every: loop.Duration(time.Minute),
		Metrics: []loop.Metric{{Name: "load", Namespace: "shop", Metric: "load", Stat: "Sum", Region: east}},
	}
	world := &cloud{}
	doors, pollers := map[string]*ingest.Acceptor{}, map[string]*ingest.Poller{}
	for _, region := range []string{east, west} {
		doors[region] = ingest.New(ingest.Config{
			Region: region, Inputs: s.inputs, Queue: s.queues, Observer: s.heard[region], Now: func() time.Time { return s.now },
		})
		pollers[region] = ingest.NewPoller(doors[region], s.records.In(region), world, nil)
	}
	name := func(minute time.Time) string { return "load/" + minute.Format(time.RFC3339) }
	const dies, returns, ends = 20, 50, 80
	begin, died := s.now, time.Time{}
	for minute := range ends {
		s.now = s.now.Add(time.Minute)
		if minute < dies || minute >= returns {
			signal := loop.Signal{ID: name(s.now.Add(-time.Minute)), Source: "cloudwatch/prod", Type: "com.example.load"}
			if r := doors[west].Accept(t.Context(), "load", []ingest.Arrival{{Signal: signal}})[0]; r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		if minute == dies-1 {
			died = s.now
		}
		for _, region := range []string{east, west} {
			if err := s.watcher(region).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := pollers[region].Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}

	came := map[string]int{}
	for _, region := range []string{east, west} {
		for _, body := range s.queues.Bodies(region, loop.QueueSignals) {
			var e loop.Envelope
			if err := json.Unmarshal(body, &e); err != nil {
				t.Fatal(err)
			}
			for _, item := range e.Items {
				signal, err := ingest.ParseEvent(item.Signal)
				if err == nil { // the switches themselves are reserved
					came[signal.ID]++
				}
			}
		}
	}
	for minute := range ends {
		id := name(begin.Add(time.Duration(minute) * time.Minute))
		if came[id] == 0 {
			t.Errorf("%s is lost", id)
		}
		delete(came, id)
	}
	for id := range came {
		if at, err := time.Parse("load/"+time.RFC3339, id); err != nil || at.After(begin) {
			t.Errorf("%s came of nothing", id)
		}
	}
	if len(s.switches) != 2 {
		t.Errorf("switches %v", s.switches)
	}
	// The first read ends a minute before now: the value of the last one may still change.
	if first := world.reads[0].Add(time.Minute); first.Sub(died) > 3*time.Minute+time.Minute {
		t.Errorf("active after %s", first.Sub(died))
	}
	if last := world.reads[len(world.reads)-1]; last.After(begin.Add((returns + 8) * time.Minute)) {
		t.Errorf("read until %s", last.Sub(begin))
	}
}
