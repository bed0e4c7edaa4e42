package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/telemetry"
)

// pit swallows whatever goes to one region: nothing there answers, until whoever asks gives up.
type pit struct{ region string }

func (p *pit) swallow(ctx context.Context, region string) error {
	if region != p.region {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

type pitDocs struct {
	observe.Documents
	*pit
}

func (p pitDocs) Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error {
	if err := p.swallow(ctx, region); err != nil {
		return err
	}
	return p.Documents.Put(ctx, region, pk, sk, doc, keep)
}

func (p pitDocs) Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error) {
	if err := p.swallow(ctx, region); err != nil {
		return nil, err
	}
	return p.Documents.Query(ctx, region, pk)
}

type pitQueue struct {
	observe.Queue
	observe.Depths
	*pit
}

func (p pitQueue) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	if err := p.swallow(ctx, region); err != nil {
		return []error{err}
	}
	return p.Queue.Send(ctx, region, queue, msgs)
}

func (p pitQueue) Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error) {
	if err := p.swallow(ctx, region); err != nil {
		return 0, 0, 0, err
	}
	return p.Depths.Depth(ctx, region, queue)
}

// Probe and Read take as long as they may.
func (p *pit) Probe(ctx context.Context, url string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return 0, p.swallow(ctx, strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/v1/health"))
}

func (p *pit) Read(ctx context.Context, region string, _, _ time.Time, asked []observe.Metric) ([]observe.Series, error) {
	return make([]observe.Series, len(asked)), p.swallow(ctx, region)
}

func (p *pit) Publish(context.Context, observe.Reading) error { return nil }

func (p *pit) Watched(context.Context, loop.Watched, string, bool) {}

// While a region swallows all that is sent to it, and just then twenty inputs fall silent, a whole run of the observer ends in
// its function's 50 s, in every region, and has done everything.
func TestARunEndsInTimeWhileARegionSwallows(t *testing.T) {
	t.Parallel()
	const east, west, witness, timeout = "us-east-2", "us-west-2", "us-east-1", 50 * time.Second
	for _, from := range []string{west, witness} {
		synctest.Test(t, func(t *testing.T) {
			regions := []string{east, west}
			dead := &pit{}
			tables := mem.NewReplicas(mem.ReplicasConfig{Regions: regions, Now: time.Now, Immediate: true})
			queues := mem.NewQueues(mem.QueuesConfig{Now: time.Now, Visibility: time.Minute, MaxReceive: 20})
			docs, queue := pitDocs{mem.NewDocuments(tables, from), dead}, pitQueue{queues.From(from), queues, dead}
			o := &observe.Observer{
				Region: from, Loop: regions, All: append(regions, witness), Docs: docs, Depths: queue, Prober: dead, Metrics: dead, Gauge: dead,
				Bounds: loop.DefaultBounds(), Canaries: []string{loop.KindHTTP}, Now: time.Now,
				Teller: &observe.Teller{Queue: queue, StandbyDelay: time.Second, Hears: func(string) bool { return true }},
			}
			watch := func(context.Context) error { return nil }
			if from != witness {
				o.Endpoint = "https://" + from
				w := &observe.Watcher{
					Region: from, Peer: loop.Peer(regions, from), StandbyDelay: time.Second, Regions: regions, Inputs: map[string]loop.Input{},
					Docs: docs, Records: mem.NewRecords(nil).In(from), Queue: queue, Recorder: dead, Now: time.Now,
				}
				for i := range 20 {
					w.Inputs[fmt.Sprint("in", i)] = loop.Input{ExpectEvery: loop.Duration(time.Minute)}
				}
				watch = w.Run
			}
			for _, name := range regions {
				for _, table := range regions {
					_ = docs.Put(t.Context(), table, observe.EndpointKey(name), observe.EndpointSort, observe.Endpoint{URL: "https://" + name}, 0)
				}
			}
			var log bytes.Buffer
			b := &base{telemetry: telemetry.New(telemetry.Config{Out: &log, Function: "f", Level: "info", Now: time.Now})}
			handler := b.observing(func(context.Context) error { return nil }, o.Run, watch)
			run := func() time.Duration {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				began := time.Now()
				_ = handler(ctx)
				return time.Since(began)
			}
			if took := run(); took > time.Second {
				t.Fatalf("%s: all is well, and a run takes %s", from, took)
			}
			time.Sleep(2 * time.Minute)
			dead.region = east
			log.Reset()
			if took := run(); took > timeout-10*time.Second {
				t.Errorf("%s: a run takes %s", from, took)
			} else {
				t.Logf("%s: a run takes %s", from, took)
			}
			stalled := 0
			for _, body := range queues.Bodies(west, loop.QueueSignals) {
				stalled += strings.Count(string(body), loop.TypeInputStalled)
			}
			if want := map[string]int{west: 20}[from]; stalled != want {
				t.Errorf("%s: %d inputs fell silent and %d were told of", from, want, stalled)
			}
			if !strings.Contains(log.String(), `"observed"`) {
				t.Errorf("%s: nothing is logged: %s", from, log.String())
			}
		})
	}
}

// A watch that takes all the time there is keeps nobody from reading what was found.
func TestVerdictsAreLoggedBeforeTheInputsAreLookedAt(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := &base{telemetry: telemetry.New(telemetry.Config{Out: &log, Function: "f", Level: "info", Now: time.Now})}
	handler := b.observing(func(context.Context) error { return nil }, func(context.Context) (map[string]observe.Verdict, error) {
		return map[string]observe.Verdict{"us-east-2": {Region: "us-east-2"}}, io.ErrUnexpectedEOF
	}, func(context.Context) error {
		for _, want := range []string{`"observed"`, "us-east-2", io.ErrUnexpectedEOF.Error()} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no %s is logged yet: %s", want, log.String())
			}
		}
		return io.ErrNoProgress
	})
	if err := handler(t.Context()); err != nil || !strings.Contains(log.String(), io.ErrNoProgress.Error()) {
		t.Errorf("%v: %s", err, log.String())
	}
}
