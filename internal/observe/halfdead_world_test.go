package observe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/outputs"
	"example.com/unbroken/internal/receipt"
	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/localstack/edge/healthcheck"
)

// chain is two loop regions and a witness: the real senders of canaries, decide, act, deep health and observers over
// services in memory, on a clock that the test moves by the second. Route 53 is the stand-in for it.
type chain struct {
	now     time.Time
	regions map[string]*chainRegion
	queues  *mem.Queues
	tables  *mem.Replicas
	board   *healthcheck.Board
	observe map[string]*observe.Observer
	phase   map[string]int // second of the minute in which a canary or an observer runs
	reading map[string]observe.Reading
	beats   int
	pages   map[string]int // requests that were not dropped for their key, by URL
	keys    map[string]bool

	// What is broken.
	fault     mem.Fault                                  // asked per call of a service
	stuck     map[string]bool                            // region/function: not invoked at all
	crashes   map[string]bool                            // region/function: fails on every message
	unreached map[string]bool                            // observers that do not run
	lies      func(observer string, v *observe.Observer) // changes an observer
}

type chainRegion struct {
	stages map[string]interface {
		Handle(ctx context.Context, msgs []loop.Message) []string
	}
	sender  *canary.Sender
	signals http.Handler // ingest over HTTP, behind its gate
	health  http.Handler
}

// posts is the way to a region's endpoint.
type posts struct {
	c      *chain
	region string
}

func (p posts) Post(ctx context.Context, event []byte) error {
	if status := p.c.posted(ctx, p.region, loop.CanaryPath, event); status != http.StatusAccepted {
		return fmt.Errorf("answered %d", status)
	}
	return nil
}

// posted is what a region's endpoint answers.
func (c *chain) posted(ctx context.Context, region, path string, event []byte) int {
	if c.crashes[region+"/"+loop.FuncIngestHTTP] {
		return http.StatusInternalServerError // API Gateway's
	}
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(event))
	req.Header.Set("Content-Type", ingest.MediaEvent)
	rec := httptest.NewRecorder()
	c.regions[region].signals.ServeHTTP(rec, req)
	return rec.Code
}

const chainFile = `
regions: {loop: [us-east-2, us-west-2], witness: us-east-1}
inputs: {a: {kind: http}, b: {kind: queue}}
rules:
  - id: ill
    match: {type: [unbroken.health.bad, unbroken.health.recovered]}
    when: signal.type == 'unbroken.health.bad' && signal.data.votes
    until: signal.type == 'unbroken.health.recovered' && signal.data.others == 0.0
    key: signal.subject
    window: {count: 1, within: 5m}
    do: [{step: page, action: page}]
    undo: [{step: clear, action: page}]
  - id: left
    match: {type: [unbroken.health.drained]}
    key: signal.subject
    do: [{step: page, action: page}]
actions:
  page: {to: webhook, url: "https://page.example.com/{{ rule }}/{{ key }}", effect: keyed}
`

func newChain(t *testing.T, draw *rand.Rand) *chain {
	t.Helper()
	cfg, err := rule.Parse("loop.yaml", []byte(chainFile))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{
		now: at.Truncate(time.Minute), regions: map[string]*chainRegion{}, board: healthcheck.NewBoard(),
		observe: map[string]*observe.Observer{}, phase: map[string]int{}, reading: map[string]observe.Reading{},
		pages: map[string]int{}, keys: map[string]bool{}, stuck: map[string]bool{}, crashes: map[string]bool{}, unreached: map[string]bool{},
	}
	now := func() time.Time { return c.now }
	broken := mem.Fault(func(op mem.Op) error {
		if c.fault == nil {
			return nil
		}
		return c.fault(op)
	})
	c.queues = mem.NewQueues(mem.QueuesConfig{Now: now, Visibility: 90 * time.Second, MaxReceive: 20, Fault: broken})
	c.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{east, west}, Now: now, Immediate: true, Fault: broken})
	claims, controls, episodes, limits := mem.NewClaims(broken), mem.NewControls(broken), mem.NewEpisodes(broken), mem.NewLimits(broken)
	var checks []healthcheck.Check
	for _, name := range cfg.Regions.Loop {
		docs, owners := mem.NewDocuments(c.tables, name), 0
		again := act.Backoff{Base: time.Second, Cap: 30 * time.Second, Rand: draw.Int64N}
		key, err := canary.NewKey(rand.NewChaCha8([32]byte{byte(len(c.regions))}))
		if err != nil {
			t.Fatal(err)
		}
		r := &chainRegion{sender: &canary.Sender{
			Region: name, Kinds: loop.Canaries(cfg.Inputs), Queue: c.queues.From(name), HTTP: posts{c, name}, Board: docs, Key: key, Now: now,
		}}
		acceptor := ingest.New(ingest.Config{
			Region: name, Peers: loop.Peers(cfg.Regions.Loop, name), Inputs: cfg.Inputs, StandbyDelay: cfg.StandbyDelay.Std(),
			Queue: c.queues.From(name), Now: now, Canaries: &canary.Verifier{Region: name, Keys: docs, Now: now},
		})
		inbox, err := ingest.NewInbox(acceptor, "b")
		if err != nil {
			t.Fatal(err)
		}
		reader := region.Reader{Docs: docs, Loop: cfg.Regions.Loop}
		r.signals = &ingest.Gated{Next: ingest.NewHTTP(acceptor), Drained: (&region.Gate{Reader: reader, Region: name, Now: now}).Refuses}
		r.health = &outputs.Health{Region: name, Now: now, Reader: reader, Canaries: loop.Canaries(cfg.Inputs)}
		r.stages = map[string]interface {
			Handle(ctx context.Context, msgs []loop.Message) []string
		}{
			loop.QueueInbox: inbox,
			loop.QueueSignals: decide.New(decide.Config{
				Region: name, Peer: loop.Peer(cfg.Regions.Loop, name), StandbyDelay: cfg.StandbyDelay.Std(), Set: set, Queue: c.queues.From(name), Now: now,
				Recorder: quietDecide{}, Windows: mem.NewWindows(c.tables, name), Episodes: episodes.In(name), Backoff: again.Next,
			}),
			loop.QueueActions: act.New(act.Config{
				Region: name, Claims: claims.In(name), Outputs: mem.NewOutputs(c.tables, name), Queue: c.queues.From(name), Now: now, Recorder: quietAct{},
				Hold: cfg.Claim.Std(), Margin: time.Second, Backoff: again, Unclaimed: again,
				NewOwner: func() string { owners++; return name + "/" + string(rune('a'+owners%26)) },
				Targets:  map[string]act.Target{loop.TargetReceipt: receipt.Target{Region: name, Docs: docs, Now: now}, loop.TargetWebhook: c},
				Budgets:  limits.Budgets(name), Throttles: limits.Throttles(name), Firings: episodes.Firings(name),
				Controls: controls.In(name), Stopper: controls.In(name),
			}),
		}
		c.regions[name] = r
		for _, one := range failover.Checks(cfg, "loop.example.com", name) {
			check := healthcheck.Check{ID: name + one.Name, AtLeast: one.AtLeast, Interval: failover.Interval * time.Second, Threshold: failover.Threshold}
			switch {
			case one.Endpoint != "":
				check.Kind = healthcheck.Endpoint
			case one.Alarm.Name != "":
				check.Kind, check.Insufficient = healthcheck.Alarm, healthcheck.Healthy
			default:
				check.Kind = healthcheck.Calculated
				for _, child := range one.Children {
					check.Children = append(check.Children, name+child)
				}
			}
			checks = append(checks, check)
		}
		c.phase["canary "+name] = draw.IntN(60)
	}
	c.board.Set(checks)
	for _, name := range cfg.Regions.All() {
		o := &observe.Observer{
			Region: name, Loop: cfg.Regions.Loop, All: cfg.Regions.All(), Docs: mem.NewDocuments(c.tables, name), Depths: c.queues, Prober: c,
			Metrics: c, Gauge: chainGauge{c, name}, Bounds: cfg.Health.Bounds, Canaries: loop.Canaries(cfg.Inputs), Now: now,
		}
		if name != witness {
			o.Endpoint = "https://" + name
		}
		c.observe[name], c.phase["observer "+name] = o, draw.IntN(60)
	}
	return c
}

// second is one of the world's seconds.
func (c *chain) second(t *testing.T) {
	t.Helper()
	c.now = c.now.Add(time.Second)
	of := c.now.Second()
	for name, r := range c.regions {
		if c.phase["canary "+name]%30 == of%30 {
			_ = r.sender.Send(t.Context()) // where it fails, no canary comes
		}
		for _, queue := range loop.Queues() {
			c.consume(t, name, queue, r)
		}
	}
	for _, name := range []string{east, west, witness} {
		if c.phase["observer "+name] == of && !c.unreached[name] {
			o := *c.observe[name]
			if c.lies != nil {
				c.lies(name, &o)
			}
			_, _ = o.Run(t.Context()) // what it could not write, it could not
			c.beats++                 // internal/app calls the heartbeat beside each run
		}
	}
	for _, due := range c.board.Due(c.now, 1) {
		name := due.ID[:len(east)]
		c.board.Answered(due.ID, c.asks(t.Context(), name) == http.StatusOK)
	}
}

func (c *chain) consume(t *testing.T, name, queue string, r *chainRegion) {
	t.Helper()
	function := name + "/" + map[string]string{loop.QueueInbox: loop.FuncIngestQueue, loop.QueueSignals: loop.FuncDecide, loop.QueueActions: loop.FuncAct}[queue]
	if c.stuck[function] {
		return
	}
	for _, d := range c.queues.Receive(name, queue, 10) {
		if c.crashes[function] {
			continue // it comes back after its visibility, and Lambda goes on
		}
		if len(r.stages[queue].Handle(t.Context(), []loop.Message{d.Message})) == 0 {
			c.queues.Ack(name, queue, d.Receipt)
		}
	}
}

func (c *chain) asks(ctx context.Context, name string) int {
	rec := httptest.NewRecorder()
	c.regions[name].health.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/health", nil))
	return rec.Code
}

// Probe answers at once: in all of these faults the endpoint is fine.
func (c *chain) Probe(ctx context.Context, url string) (time.Duration, error) {
	if code := c.asks(ctx, strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/v1/health")); code != http.StatusOK && code != http.StatusServiceUnavailable {
		return 0, errors.New("no answer")
	}
	return time.Millisecond, nil
}

// Read says that all is well: what is tested here is found although the metrics are green.
func (c *chain) Read(_ context.Context, _ string, _, _ time.Time, asked []observe.Metric) ([]observe.Series, error) {
	series := make([]observe.Series, len(asked))
	for i, m := range asked {
		series[i] = well(m.Name)
	}
	return series, nil
}

type chainGauge struct {
	*chain
	observer string
}

func (g chainGauge) Publish(_ context.Context, r observe.Reading) error {
	g.reading[g.observer] = r
	return nil
}

// Deliver is the pager: it drops a key that it knows, and counts what is left.
func (c *chain) Deliver(_ context.Context, e loop.Effect) act.Answer {
	if !c.keys[e.ID] {
		c.keys[e.ID] = true
		c.pages[e.Step+" "+e.Request.URL]++
	}
	return act.Answer{Verdict: act.Delivered}
}

// drained says whether the state of a region, by the items in another's table, is drained.
func (c *chain) drained(t *testing.T, name, table string) bool {
	t.Helper()
	views, err := (region.Reader{Docs: mem.NewDocuments(c.tables, table), Loop: []string{east, west}}).Views(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	return views[name].Now(c.now).State == region.Drained
}

// answered says whether DNS answers the region.
func (c *chain) answered(name string) bool { return c.board.Healthy(name) }

// quiet records nothing.
type quiet struct{}

func (quiet) Landed(context.Context, *act.Landing)                    {}
func (quiet) Decided(context.Context, loop.Decision, loop.Item)       {}
func (quiet) Late(context.Context, string, string)                    {}
func (quiet) Overflow(context.Context, string)                        {}
func (quiet) Quarantined(context.Context, loop.Quarantine, loop.Item) {}
func (quiet) Batch(context.Context, []loop.Item, int)                 {}

type quietDecide struct{ quiet }

func (quietDecide) Retried(context.Context, loop.Item, time.Duration, error) {}

type quietAct struct{ quiet }

func (quietAct) Retried(context.Context, *act.Landing, time.Duration) {}
