package observe_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

const (
	east    = "us-east-2"
	west    = "us-west-2"
	witness = "us-east-1"
)

type metricsRead struct {
	region   string
	from, to time.Time
	metrics  int
}

var (
	at      = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	errDown = errors.New("does not answer")

	errBlind = errors.New("CloudWatch is down")
)

// world is what an observer looks at. A dead region answers nothing; one that swallows never answers at all.
type world struct {
	mu        sync.Mutex
	docs      map[string]map[string]json.RawMessage // region|pk → sk
	kept      map[string]time.Duration              // pk → keep
	dead      map[string]bool
	swallows  map[string]bool
	letters   map[string]int // region|queue
	probed    map[string]error
	asked     []string
	published observe.Reading
	reads     []metricsRead
	blind     map[string]bool           // regions whose CloudWatch is down
	series    map[string]observe.Series // region|queue or function|metric
	now       time.Time
	mute      error // what publishing ends with
}

func newWorld() *world {
	w := &world{
		docs: map[string]map[string]json.RawMessage{}, kept: map[string]time.Duration{}, dead: map[string]bool{},
		swallows: map[string]bool{}, letters: map[string]int{}, probed: map[string]error{}, now: at,
		blind: map[string]bool{}, series: map[string]observe.Series{},
	}
	for _, table := range []string{east, west} {
		w.announce(table, east, `{"url":"https://east/"}`)
		w.announce(table, west, `{"url":"https://west"}`)
		w.canary(table, east, 10*time.Second)
		w.canary(table, west, 10*time.Second)
	}
	return w
}

// kinds are those of the canaries that the regions send.
func kinds() []string { return []string{loop.KindHTTP, loop.KindQueue} }

// canary is the receipt of one of each kind that landed in a region some time ago, as a table has them.
func (w *world) canary(table, region string, ago time.Duration) {
	for _, kind := range kinds() {
		w.canaryOf(kind, table, region, ago)
	}
}

func (w *world) canaryOf(kind, table, region string, ago time.Duration) {
	raw, err := json.Marshal(loop.Receipt{Input: kind, SentAt: w.now.Add(-ago - 800*time.Millisecond), LandedAt: w.now.Add(-ago)})
	if err != nil {
		panic(err)
	}
	docs := maps.Clone(w.docs[table+"|"+loop.ReceiptKey(region)])
	if docs == nil {
		docs = map[string]json.RawMessage{}
	}
	docs[kind] = raw
	w.docs[table+"|"+loop.ReceiptKey(region)] = docs
}

func (w *world) announce(table, region, doc string) {
	w.docs[table+"|"+observe.EndpointKey(region)] = map[string]json.RawMessage{observe.EndpointSort: json.RawMessage(doc)}
}

func (w *world) reach(ctx context.Context, region string) error {
	w.mu.Lock()
	swallows, dead := w.swallows[region], w.dead[region]
	w.mu.Unlock()
	if swallows {
		<-ctx.Done()
		return ctx.Err()
	}
	if dead {
		return errDown
	}
	return nil
}

func (w *world) Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error {
	if err := w.reach(ctx, region); err != nil {
		return err
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	partition := maps.Clone(w.docs[region+"|"+pk])
	if partition == nil {
		partition = map[string]json.RawMessage{}
	}
	partition[sk] = raw
	w.docs[region+"|"+pk], w.kept[pk] = partition, keep
	return nil
}

func (w *world) Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error) {
	if err := w.reach(ctx, region); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.docs[region+"|"+pk], nil
}

func (w *world) Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error) {
	if err := w.reach(ctx, region); err != nil {
		return 0, 0, 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.letters[region+"|"+queue]
	return n / 2, n - n/2, 0, nil
}

func (w *world) Probe(_ context.Context, url string) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, url)
	return 12345 * time.Microsecond, w.probed[url]
}

func (w *world) Publish(_ context.Context, r observe.Reading) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.published = r
	return w.mute
}

// Read answers with what a region's metrics are, those of a chain that is well where nothing else is arranged.
func (w *world) Read(ctx context.Context, region string, from, to time.Time, asked []observe.Metric) ([]observe.Series, error) {
	if err := w.reach(ctx, region); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads = append(w.reads, metricsRead{region, from, to, len(asked)})
	if w.blind[region] {
		return nil, errBlind
	}
	series := make([]observe.Series, len(asked))
	for i, m := range asked {
		var ok bool
		if series[i], ok = w.series[region+"|"+m.Of.Queue+m.Of.Function+"|"+m.Name]; !ok {
			series[i] = well(m.Name)
		}
	}
	return series, nil
}

// well is a quarter of an hour of nothing but canaries.
func well(metric string) observe.Series {
	switch metric {
	case "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "Invocations":
		return slices.Repeat(observe.Series{2}, 10)
	case "ApproximateAgeOfOldestMessage":
		return nil // no message waits
	}
	return slices.Repeat(observe.Series{0}, 10)
}

func (w *world) observer(region string) *observe.Observer {
	o := &observe.Observer{
		Region: region, Loop: []string{east, west}, All: []string{east, west, witness},
		Docs: w, Depths: w, Prober: w, Metrics: w, Gauge: w, Bounds: loop.DefaultBounds(), Canaries: kinds(), Now: func() time.Time { return w.now },
	}
	if region != witness {
		o.Endpoint = "https://own"
	}
	return o
}

// stored is what an observer's verdict on a region reads in a region's table.
func (w *world) stored(t *testing.T, table, name, observer string) (v observe.Verdict, ok bool) {
	t.Helper()
	w.mu.Lock()
	raw, ok := w.docs[table+"|"+region.VerdictKey(name)][observer]
	w.mu.Unlock()
	if !ok {
		return v, false
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v, true
}

func check(t *testing.T, v observe.Verdict, name string) observe.Check {
	t.Helper()
	for _, c := range v.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %s in %+v", name, v.Checks)
	return observe.Check{}
}

var deadLetters = loop.DeadLetter(loop.QueueSignals)
