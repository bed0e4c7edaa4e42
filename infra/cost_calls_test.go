package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/outputs"
	"example.com/unbroken/internal/receipt"
	regions "example.com/unbroken/internal/region"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/salvage"
	"example.com/unbroken/internal/telemetry"
)

// calls are what an idle deployment asks of AWS in an hour, counted from the real stages over services in memory.
type calls struct {
	SQS     float64 // requests of ours; those of Lambda's pollers are not among them
	Grouped float64 // of these, about messages with a group
	Writes  float64 // write units in one region: a KB each; every replica is charged for one as well
	Claims  float64 // of these, in the table claims
	Reads   float64 // read units: 4 KB each, read with strong consistency
	Metrics float64 // that GetMetricData was asked for
	Puts    float64 // PutMetricData
	Look    float64 // read units of one look at a region's health
	Custom  int     // metrics that are published, by all functions of all regions
	Landed  float64 // canaries
	Posted  float64 // of these, over HTTP
	Probed  float64 // endpoints, by observers
}

// meter counts, by everybody at once.
type meter struct {
	mu sync.Mutex
	calls
	custom map[string]bool
	sizes  map[string]int // bytes of the documents, as they are stored
}

func (m *meter) add(to *float64, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*to += n
}

func (m *meter) publish(metric string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.custom[metric] = true
}

func units(bytes, each int) float64 { return math.Max(1, math.Ceil(float64(bytes)/float64(each))) }

// itemOverhead is what a claim has beside its document: keys, names of attributes.
const itemOverhead = 120

// size is what a document takes in DynamoDB: names and values of what is really put.
func (m *meter) size(ctx context.Context, pk, sk string, doc any, keep time.Duration) int {
	s := sized{}
	_ = dynamo.NewDocuments(func(string) dynamo.API { return &s }, "p", time.Now).Put(ctx, "", pk, sk, doc, keep) // never fails
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sizes[pk+" "+sk] = s.bytes
	return s.bytes
}

type sized struct {
	dynamo.API
	bytes int
}

func (s *sized) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	for name, v := range in.Item {
		s.bytes += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			s.bytes += len(v.Value)
		case *types.AttributeValueMemberB:
			s.bytes += len(v.Value)
		case *types.AttributeValueMemberN:
			s.bytes += len(v.Value)
		}
	}
	return &dynamodb.PutItemOutput{}, nil
}

type meteredDocs struct {
	*mem.Documents
	m *meter
}

// eventual reads cost half.
type eventual struct{ meteredDocs }

func (d eventual) Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error) {
	docs, size, err := d.query(ctx, region, pk)
	d.m.add(&d.m.Reads, units(size, 4096)/2)
	return docs, err
}

func (d meteredDocs) Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error {
	d.m.add(&d.m.Writes, units(d.m.size(ctx, pk, sk, doc, keep), 1024))
	return d.Documents.Put(ctx, region, pk, sk, doc, keep)
}

func (d meteredDocs) Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error) {
	docs, size, err := d.query(ctx, region, pk)
	d.m.add(&d.m.Reads, units(size, 4096))
	return docs, err
}

func (d meteredDocs) query(ctx context.Context, region, pk string) (docs map[string]json.RawMessage, bytes int, err error) {
	docs, err = d.Documents.Query(ctx, region, pk)
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	for sk := range docs {
		bytes += d.m.sizes[pk+" "+sk]
	}
	return docs, bytes, err
}

type meteredQueue struct {
	mem.Poller
	m *meter
}

func (q meteredQueue) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	q.m.add(&q.m.SQS, math.Ceil(float64(len(msgs))/10))
	q.m.add(&q.m.Grouped, math.Ceil(float64(len(msgs))/10))
	return q.Poller.Send(ctx, region, queue, msgs)
}

func (q meteredQueue) Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error) {
	q.m.add(&q.m.SQS, 1)
	return q.Poller.Depth(ctx, region, queue)
}

type meteredClaims struct {
	act.Claims
	m *meter
}

func (c meteredClaims) write(claim loop.Claim) {
	raw, _ := json.Marshal(claim)
	n := units(len(raw)+itemOverhead, 1024)
	c.m.add(&c.m.Writes, n)
	c.m.add(&c.m.Claims, n)
}

func (c meteredClaims) Open(ctx context.Context, claim loop.Claim) (loop.Claim, bool, error) {
	c.write(claim)
	return c.Claims.Open(ctx, claim)
}

func (c meteredClaims) Swap(ctx context.Context, next loop.Claim, token int64) error {
	c.write(next)
	return c.Claims.Swap(ctx, next, token)
}

func (c meteredClaims) Get(ctx context.Context, id string) (loop.Claim, error) {
	c.m.add(&c.m.Reads, 1)
	return c.Claims.Get(ctx, id)
}

// meteredWatch is CloudWatch and the endpoints, all well.
type meteredWatch struct {
	m      *meter
	region string
}

func (w meteredWatch) Read(_ context.Context, _ string, _, _ time.Time, asked []observe.Metric) ([]observe.Series, error) {
	w.m.add(&w.m.Metrics, float64(len(asked)))
	all := make([]observe.Series, len(asked))
	for i, metric := range asked {
		value := 0.0 // of ages, depths and throttles
		switch metric.Name {
		case "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "Invocations":
			value = 2
		}
		all[i] = slices.Repeat(observe.Series{value}, 11)
	}
	return all, nil
}

func (w meteredWatch) Probe(context.Context, string) (time.Duration, error) {
	w.m.add(&w.m.Probed, 1)
	return 40 * time.Millisecond, nil
}

func (w meteredWatch) Publish(_ context.Context, r observe.Reading) error {
	w.m.add(&w.m.Puts, 1)
	for _, metric := range []string{"SilentObservers", "ObserverFound"} {
		w.m.publish(w.region + metric)
	}
	for judged := range r.Verdicts {
		w.m.publish(w.region + "Verdict" + judged)
	}
	return nil
}

// meteredAPI is the way of canaries to ingest.
type meteredAPI struct {
	m       *meter
	tel     *telemetry.Telemetry
	out     *bytes.Buffer
	ingest  http.Handler
	publish func(metric string)
	t       *testing.T
}

func (a meteredAPI) Post(ctx context.Context, event []byte) error {
	a.m.add(&a.m.Posted, 1)
	ctx, end := a.tel.StartBatch(ctx, nil)
	rec := httptest.NewRecorder()
	a.ingest.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodPost, loop.CanaryPath, bytes.NewReader(event)))
	end()
	for _, name := range published(a.t, a.out) {
		a.publish(name)
	}
	if rec.Code != http.StatusAccepted {
		return fmt.Errorf("answered %d: %s", rec.Code, rec.Body)
	}
	return nil
}

// idleHour runs all that is scheduled for an hour in which nobody sends a signal. Two regions of two observers each look
// alike in every minute but for whose turn it is to read metrics.
func idleHour(t *testing.T, cfg *loop.Config) calls {
	t.Helper()
	m := &meter{custom: map[string]bool{}, sizes: map[string]int{}}
	now := time.Date(2026, 3, 4, 5, 0, 0, 123_456_789, time.UTC)
	clock := func() time.Time { return now }
	set, err := rule.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	queues := mem.NewQueues(mem.QueuesConfig{Now: clock})
	tables := mem.NewReplicas(mem.ReplicasConfig{Regions: cfg.Regions.All(), Now: clock, Immediate: true})
	claims, controls := mem.NewClaims(nil), mem.NewControls(nil)
	reader := func(in string) regions.Reader {
		return regions.Reader{Docs: meteredDocs{mem.NewDocuments(tables, in), m}, Loop: cfg.Regions.Loop}
	}
	type stage struct {
		queue  string
		tel    *telemetry.Telemetry
		out    *bytes.Buffer
		handle func(context.Context, []loop.Message) []string
	}
	chain, senders := map[string][]stage{}, map[string]*canary.Sender{}
	for _, in := range cfg.Regions.Loop {
		queue := meteredQueue{queues.Poller(in), m}
		tel := func(function string) (*telemetry.Telemetry, *bytes.Buffer) {
			out := &bytes.Buffer{}
			return telemetry.New(telemetry.Config{Out: out, Function: function, Region: in, Now: clock}), out
		}
		decideTel, decideOut := tel(loop.FuncDecide)
		d := decide.New(decide.Config{
			Region: in, Peer: loop.Peer(cfg.Regions.Loop, in), StandbyDelay: cfg.StandbyDelay.Std(), Set: set, Queue: queue, Now: clock,
			Recorder: decideTel.Decide(), Backoff: act.DefaultBackoff().Next, Windows: mem.NewWindows(tables, in), Episodes: mem.NewEpisodes(nil).In(in),
		})
		actTel, actOut := tel(loop.FuncAct)
		a := act.New(act.Config{
			Region: in, Claims: meteredClaims{claims.In(in), m}, Outputs: mem.NewOutputs(tables, in), Queue: queue, Now: clock, Recorder: actTel.Act(),
			Hold: cfg.Claim.Std(), Margin: time.Second, Backoff: act.DefaultBackoff(), Unclaimed: act.DefaultBackoff(), NewOwner: func() string { return in },
			Targets:  map[string]act.Target{loop.TargetReceipt: receipt.Target{Region: in, Docs: meteredDocs{mem.NewDocuments(tables, in), m}, Now: clock}},
			Controls: controls.In(in), Stopper: controls.In(in),
		})
		docs := meteredDocs{mem.NewDocuments(tables, in), m}
		entrance := ingest.Config{
			Region: in, Peers: loop.Peers(cfg.Regions.Loop, in), Inputs: cfg.Inputs, StandbyDelay: cfg.StandbyDelay.Std(), Queue: queue, Now: clock,
			Canaries: &canary.Verifier{Region: in, Keys: docs, Now: clock},
		}
		inboxTel, inboxOut := tel(loop.FuncIngestQueue)
		inbox, err := ingest.NewInbox(ingest.New(entrance), "inbox")
		if err != nil {
			t.Fatal(err)
		}
		httpTel, httpOut := tel(loop.FuncIngestHTTP)
		entrance.Canaries = &canary.Verifier{Region: in, Keys: docs, Now: clock} // another process
		key, err := canary.NewKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		senders[in] = &canary.Sender{
			Region: in, Kinds: loop.Canaries(cfg.Inputs), Queue: queue, Board: docs, Key: key, Now: clock,
			HTTP: meteredAPI{m, httpTel, httpOut, ingest.NewHTTP(ingest.New(entrance)), func(name string) { m.publish(in + loop.FuncIngestHTTP + name) }, t},
		}
		chain[in] = []stage{{loop.QueueInbox, inboxTel, inboxOut, inbox.Handle}, {loop.QueueSignals, decideTel, decideOut, d.Handle}, {loop.QueueActions, actTel, actOut, a.Handle}}
	}
	deliver := func() {
		for in, stages := range chain {
			for _, s := range stages {
				for _, msg := range queues.Receive(in, s.queue, 10) {
					ctx, end := s.tel.StartBatch(t.Context(), []loop.Message{msg.Message})
					if failed := s.handle(ctx, []loop.Message{msg.Message}); len(failed) > 0 {
						t.Fatalf("a canary failed in %s of %s", s.queue, in)
					}
					end()
					queues.Ack(in, s.queue, msg.Receipt)
					m.add(&m.SQS, 2) // received and deleted by the mapping
					m.add(&m.Grouped, 2)
					for _, name := range published(t, s.out) {
						m.publish(in + s.queue + name)
					}
					if s.queue == loop.QueueActions {
						m.add(&m.Landed, 1)
					}
				}
			}
		}
	}
	for range 60 {
		for _, in := range cfg.Regions.Loop {
			if err := senders[in].Send(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := (&salvage.Worker{Region: in, States: reader(in).Views, Queues: meteredQueue{queues.Poller(in), m}, Now: clock}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		deliver()
		for _, in := range cfg.Regions.All() {
			o := &observe.Observer{
				Region: in, Loop: cfg.Regions.Loop, All: cfg.Regions.All(), Endpoint: "https://" + in + ".loop.example.com", Now: clock,
				Docs: meteredDocs{mem.NewDocuments(tables, in), m}, Depths: meteredQueue{queues.Poller(in), m}, Bounds: cfg.Health.Bounds, Canaries: loop.Canaries(cfg.Inputs),
				Prober: meteredWatch{m, in}, Metrics: meteredWatch{m, in}, Gauge: meteredWatch{m, in},
			}
			if in == cfg.Regions.Witness {
				o.Endpoint = ""
			}
			if _, err := o.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(loop.CanaryEvery)
		for _, in := range cfg.Regions.Loop {
			if err := senders[in].Send(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		deliver()
		now = now.Add(time.Minute - loop.CanaryEvery)
	}
	before := m.Reads
	own := cfg.Regions.Loop[0]
	asHealth := reader(own)
	asHealth.Docs = eventual{meteredDocs{mem.NewDocuments(tables, own), m}}
	h := &outputs.Health{Region: own, Now: clock, Reader: asHealth, Canaries: loop.Canaries(cfg.Inputs)}
	if !h.Fit(t.Context()) {
		t.Fatal("the idle deployment is not healthy")
	}
	m.Look, m.Reads = m.Reads-before, before
	m.Custom = len(m.custom)
	return m.calls
}

// published are the metrics of the lines in the embedded metric format.
func published(t *testing.T, out *bytes.Buffer) (names []string) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var l struct {
			AWS struct {
				CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, d := range l.AWS.CloudWatchMetrics {
			for _, metric := range d.Metrics {
				names = append(names, metric.Name)
			}
		}
	}
	out.Reset()
	return names
}
