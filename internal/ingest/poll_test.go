package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

// plant is what two regions' pollers read, with one table and one queue each.
type plant struct {
	now     time.Time
	values  map[string][]Value
	reads   []string // "from to n metrics" of each
	broken  error
	during  func() // while a read is under way
	records *mem.Records
	queue   *fakeQueue
	inputs  map[string]loop.Input
	mapper  Mapper
	says    string // what the endpoint says
	asked   int
}

// Fetch implements Fetcher.
func (p *plant) Fetch(_ context.Context, url, secret string) ([]byte, error) {
	if p.asked++; url != "https://status.example.com/" || secret != "ssm:/status" {
		return nil, errors.New("another endpoint was asked")
	}
	return []byte(p.says), p.broken
}

func newPlant() *plant {
	p := &plant{now: noon.Truncate(time.Minute), values: map[string][]Value{}, records: mem.NewRecords(nil), queue: &fakeQueue{}}
	p.inputs = map[string]loop.Input{
		"load": {
			Kind: loop.KindPoll, Durability: loop.Mirrored, Policy: loop.PolicyAll, Source: "cloudwatch/prod", Every: loop.Duration(time.Minute),
			Metrics: []loop.Metric{
				{Name: "errors", Namespace: "AWS/ApplicationELB", Metric: "HTTPCode_Target_5XX_Count", Stat: "Sum", Region: ohio, Dimensions: map[string]string{"LoadBalancer": "app/shop/1"}},
				{Name: "slow", Namespace: "AWS/ApplicationELB", Metric: "TargetResponseTime", Stat: "p99", Region: ohio},
			},
		},
		"shop": {Kind: loop.KindHTTP},
	}
	return p
}

// Read implements Meter as CloudWatch does: newest first.
func (p *plant) Read(_ context.Context, from, to time.Time, _ time.Duration, metrics []loop.Metric) ([][]Value, error) {
	p.reads = append(p.reads, from.Format("15:04")+" "+to.Format("15:04"))
	if p.during != nil {
		p.during()
	}
	series := make([][]Value, len(metrics))
	for i, m := range metrics {
		for _, v := range p.values[m.Name] {
			if !v.At.Before(from) && v.At.Before(to) {
				series[i] = append([]Value{v}, series[i]...)
			}
		}
	}
	return series, p.broken
}

func (p *plant) poller(region string) *Poller {
	peer := ohio
	if region == ohio {
		peer = oregon
	}
	a := New(Config{Region: region, Peers: []string{peer}, StandbyDelay: 20 * time.Second, Queue: p.queue, Now: func() time.Time { return p.now }, Inputs: p.inputs})
	a.cfg.Mapper = p.mapper
	return NewPoller(a, p.records.In(region), p, p)
}

func (p *plant) run(t *testing.T, regions ...string) {
	t.Helper()
	for _, region := range regions {
		if err := p.poller(region).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// measure appends a value for the minute that ended n minutes ago.
func (p *plant) measure(name string, ago int, value float64) {
	p.values[name] = append(p.values[name], Value{At: p.now.Truncate(time.Minute).Add(-time.Duration(ago+1) * time.Minute), Value: value})
}

// minutes lets n pass, with a value of each metric for each.
func (p *plant) minutes(t *testing.T, n int, regions ...string) {
	t.Helper()
	for range n {
		p.now = p.now.Add(time.Minute)
		p.measure("errors", 0, 3)
		p.measure("slow", 0, 0.5)
		p.run(t, regions...)
	}
}

// accepted are the ids of what lies on all queues that is no standby copy.
func (p *plant) accepted(t *testing.T) (ids []string) {
	t.Helper()
	for _, region := range []string{ohio, oregon} {
		for _, it := range p.queue.items(t, region, loop.QueueSignals) {
			s, err := ParseEvent(it.Signal)
			if err != nil {
				t.Fatal(err)
			}
			if !it.Standby {
				ids = append(ids, s.ID)
			}
		}
	}
	return ids
}

func TestEachValueIsOneSignalWhoeverReadsIt(t *testing.T) {
	t.Parallel()
	p := newPlant()
	p.minutes(t, 1) // it has no cursor yet, and does not begin with the past
	p.minutes(t, 10, ohio, oregon)
	ids := p.accepted(t)
	if want := 2 * 10; len(ids) != want {
		t.Errorf("%d signals, want %d: %v", len(ids), want, ids)
	}
	if len(p.reads) != 10 {
		t.Errorf("two regions read %d times in 10 minutes: %v", len(p.reads), p.reads)
	}
	slices.Sort(ids)
	if twice := len(ids) - len(slices.Compact(ids)); twice > 0 {
		t.Errorf("%d came twice", twice)
	}
	first := p.queue.items(t, ohio, loop.QueueSignals)[0]
	const want = `{"specversion":"1.0","type":"com.amazonaws.cloudwatch.metric","source":"cloudwatch/prod","id":"errors/2026-03-04T12:00:00Z","subject":"errors","time":"2026-03-04T12:01:00Z",` +
		`"data":{"dimensions":{"LoadBalancer":"app/shop/1"},"metric":"HTTPCode_Target_5XX_Count","namespace":"AWS/ApplicationELB","period":60,"region":"us-east-2","stat":"Sum","value":3}}`
	if string(first.Signal) != want || first.Input != "load" {
		t.Errorf("got  %s\nwant %s", first.Signal, want)
	}
}

// A metric that comes five minutes late loses nothing, and the one beside it is not read twice for that.
func TestAMetricThatComesLateIsReadWhenItComes(t *testing.T) {
	t.Parallel()
	p := newPlant()
	p.minutes(t, 2, ohio)
	late := p.now
	for range 5 {
		p.now = p.now.Add(time.Minute)
		p.measure("errors", 0, 1)
		p.run(t, ohio)
	}
	for ago := 4; ago >= 0; ago-- {
		p.measure("slow", ago, 2)
	}
	p.minutes(t, 2, ohio)
	counts := map[string]int{}
	for _, id := range p.accepted(t) {
		name, at, _ := strings.Cut(id, "/")
		if counts[id]++; counts[id] > 1 {
			t.Errorf("%s came twice", id)
		}
		if when, err := time.Parse(time.RFC3339, at); err != nil || when.Before(late.Add(-3*time.Minute)) {
			t.Errorf("%s: %v", id, err)
		}
		counts[name]++
	}
	if counts["errors"] != counts["slow"] || counts["slow"] < 7 {
		t.Errorf("%v", counts)
	}
}

// FAULTS 37: the region that reads dies in the middle. Its lease keeps the other away for less than a minute.
func TestAnotherRegionGoesOnWhereADeadOneStopped(t *testing.T) {
	t.Parallel()
	p := newPlant()
	p.minutes(t, 3, ohio)
	before := len(p.accepted(t))
	p.broken = errors.New("the process is gone")
	p.now = p.now.Add(time.Minute)
	p.measure("errors", 0, 3)
	p.measure("slow", 0, 1)
	if err := p.poller(ohio).Run(t.Context()); err == nil {
		t.Fatal("nobody is told")
	}
	p.broken = nil
	p.run(t, oregon) // at once: the other may still be at it
	if n := len(p.accepted(t)); n != before {
		t.Errorf("%d signals while the lease ran", n-before)
	}
	p.minutes(t, 1, oregon)
	if n := len(p.accepted(t)) - before; n != 4 {
		t.Errorf("%d signals of two minutes of two metrics", n)
	}
}

// A paused holder wakes after another has read: it cannot move the cursor back.
func TestWhoLostTheCursorDoesNotMoveIt(t *testing.T) {
	t.Parallel()
	p := newPlant()
	p.minutes(t, 2, ohio)
	p.now = p.now.Add(time.Minute)
	p.measure("errors", 0, 3)
	p.during = func() {
		p.during = nil
		p.now = p.now.Add(2 * time.Minute)
		p.measure("errors", 1, 3)
		p.measure("errors", 0, 3)
		p.run(t, oregon)
	}
	p.run(t, ohio)
	var c loop.Cursor
	raw, _, err := p.records.In(ohio).Load(t.Context(), loop.CursorKey("load"))
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.Owner != "" || !c.Through.Equal(p.now.Add(-settle)) {
		t.Errorf("%+v, %v", c, err)
	}
}

// Nothing is read past what could not be stored durably.
func TestTheCursorWaitsForWhatCouldNotBeStored(t *testing.T) {
	t.Parallel()
	p := newPlant()
	p.minutes(t, 2, ohio)
	before := len(p.accepted(t))
	p.queue.fail = down(ohio, oregon)
	p.now = p.now.Add(time.Minute)
	p.measure("errors", 0, 3)
	p.measure("slow", 0, 3)
	if err := p.poller(ohio).Run(t.Context()); loop.CodeOf(err) != loop.CodeUnavailable {
		t.Fatalf("got %v", err)
	}
	p.queue.fail = nil
	p.minutes(t, 1, oregon)
	if n := len(p.accepted(t)) - before; n != 4 {
		t.Errorf("%d signals of two minutes of two metrics", n)
	}
}

// A standby is read while the input that it stands in for is stalled, and then further back than that was noticed.
func TestAStandbyIsReadWhileItIsNeeded(t *testing.T) {
	t.Parallel()
	p := newPlant()
	p.inputs["shop"] = loop.Input{Kind: loop.KindHTTP, ExpectEvery: loop.Duration(time.Minute), Standby: "load"}
	p.minutes(t, 30, ohio, oregon)
	if len(p.reads) > 0 {
		t.Fatalf("read while nothing stalled: %v", p.reads)
	}
	record := p.records.In(ohio)
	if err := record.Store(t.Context(), loop.WatchedKey("shop"), loop.Watched{Input: "shop", Stalled: true, N: 1, Since: p.now}, 0); err != nil {
		t.Fatal(err)
	}
	p.minutes(t, 1, ohio, oregon)
	if ids := p.accepted(t); len(ids) < 2*15 || len(p.reads) != 1 {
		t.Errorf("%d signals in %v: what was missed before is not read", len(ids), p.reads)
	}
	if err := record.Store(t.Context(), loop.WatchedKey("shop"), loop.Watched{Input: "shop", N: 2}, 1); err != nil {
		t.Fatal(err)
	}
	p.minutes(t, 5, ohio, oregon)
	if len(p.reads) != 1 {
		t.Errorf("read on after the return: %v", p.reads)
	}
}

func pagePlant(t *testing.T) *plant {
	t.Helper()
	p := newPlant()
	cfg, err := rule.Parse("loop.yaml", []byte(`
inputs:
  page:
    kind: poll
    url: https://status.example.com/
    secret: ssm:/status
    source: status/prod
    map: {id: body.service + '/' + body.since, type: "'com.example.status'", subject: body.service, time: body.since}
actions: {o: {to: output, output: k}}
rules: [{id: r, match: {type: [com.example.status]}, do: [{action: o}]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	if p.mapper, err = rule.CompileMappings(cfg); err != nil {
		t.Fatal(err)
	}
	p.inputs = cfg.Inputs
	return p
}

func TestAnEndpointIsReadByOneRegionAndSaysEachThingOnce(t *testing.T) {
	t.Parallel()
	p := pagePlant(t)
	p.says = `{"service":"cart","since":"2026-03-04T11:00:00Z","state":"down"}`
	for range 3 {
		p.now = p.now.Add(time.Minute)
		p.run(t, ohio, oregon)
	}
	if ids := p.accepted(t); p.asked != 3 || !slices.Equal(ids, []string{"cart/2026-03-04T11:00:00Z"}) {
		t.Errorf("asked %d times: %v", p.asked, ids)
	}
	p.says = `[{"service":"cart","since":"2026-03-04T11:00:00Z","state":"up"},{"service":7},{"service":"shop","since":"2026-03-04T12:00:00Z"}]`
	p.now = p.now.Add(time.Minute)
	p.run(t, oregon)
	if ids := p.accepted(t); !slices.Equal(slices.Sorted(slices.Values(ids)), []string{"cart/2026-03-04T11:00:00Z", "cart/2026-03-04T11:00:00Z", "shop/2026-03-04T12:00:00Z"}) {
		t.Errorf("%v", ids)
	}
}

func TestAnEndpointThatSaysNothingOfUseIsAskedAgain(t *testing.T) {
	t.Parallel()
	for _, says := range []string{``, `{`, `"text"`, `[` + strings.Repeat(`{},`, loop.MaxBatchEvents) + `{}]`} {
		p := pagePlant(t)
		p.says = says
		if err := p.poller(ohio).Run(t.Context()); err == nil && says != `"text"` {
			t.Errorf("%.20s: nobody is told", says)
		}
		if ids := p.accepted(t); len(ids) > 0 {
			t.Errorf("%.20s: %v", says, ids)
		}
		p.says = `{"service":"cart","since":"2026-03-04T11:00:00Z"}`
		p.now = p.now.Add(time.Minute)
		p.run(t, oregon)
		if ids := p.accepted(t); len(ids) != 1 {
			t.Errorf("after %.20s: %v", says, ids)
		}
	}
}

// hanging is an endpoint that never answers where the URL says so, and counts who else was read.
type hanging struct{ answered atomic.Int32 }

func (h *hanging) Fetch(ctx context.Context, url, _ string) ([]byte, error) {
	if strings.HasSuffix(url, "/hangs") {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	h.answered.Add(1)
	return []byte(`{"service":"cart","since":"2026-03-04T11:00:00Z"}`), nil
}

func TestInputsThatHangCostTheOthersNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := pagePlant(t), &hanging{}
		page := p.inputs["page"]
		p.inputs = map[string]loop.Input{}
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			in := page
			in.URL = "https://status.example.com/" + name + "/hangs"
			p.inputs[name] = in
		}
		page.URL = "https://status.example.com/answers"
		p.inputs["z"] = page
		run := func() (took time.Duration, err error) {
			poller := p.poller(ohio)
			poller.fetcher = h
			began := time.Now()
			err = poller.Run(t.Context())
			return time.Since(began), err
		}
		took, err := run()
		if err == nil || strings.Count(err.Error(), "poll input") != 5 || h.answered.Load() != 1 {
			t.Errorf("%v; %d answered, want 1 and five that did not", err, h.answered.Load())
		}
		if took >= 25*time.Second {
			t.Errorf("a run took %v: its function has 30 s", took)
		}
	})
}

// Whatever an endpoint says, what is stored is a signal, and a turn that fails has stored nothing.
func FuzzPage(f *testing.F) {
	for _, s := range []string{`{"service":"cart","since":"2026-03-04T11:00:00Z"}`, `[{"service":1},{}]`, `[]`, `7`, "[\xff", ``} {
		f.Add(s)
	}
	mapping := loop.Mapping{ID: "body.service", Type: "'t'", Time: "body.since"}
	mapper, err := rule.CompileMappings(&loop.Config{Inputs: map[string]loop.Input{"page": {Kind: loop.KindPoll, Map: mapping}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, says string) {
		p := newPlant()
		p.says, p.mapper = says, mapper
		p.inputs = map[string]loop.Input{"page": {
			Kind: loop.KindPoll, URL: "https://status.example.com/", Secret: "ssm:/status", Source: "status/prod",
			Every: loop.Duration(time.Minute), Durability: loop.Mirrored, Policy: loop.PolicyAll, Map: mapping,
		}}
		err := p.poller(ohio).Run(t.Context())
		if ids := p.accepted(t); err != nil && len(ids) > 0 { // accepted reads each as an event
			t.Fatalf("%v, and %d are stored", err, len(ids))
		}
	})
}
