package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/queue"
	"example.com/unbroken/internal/route53"
	"example.com/unbroken/internal/sweep"
	"example.com/unbroken/localstack/local"
)

var update = flag.Bool("update", false, "write the golden files anew")

const testLoop = "testdata/loop.yaml"

var testNow = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// terminalOf is a command line with a fake world; what it wrote is in out and err.
type terminalOf struct {
	world
	out, err bytes.Buffer
	cloud    *fakeCloud
	site     *fakeSite
}

func newTerminal() *terminalOf {
	t := &terminalOf{cloud: newFakeCloud()}
	t.world = world{
		Stdin: strings.NewReader(""), Stdout: &t.out, Stderr: &t.err,
		Now:  func() time.Time { return testNow },
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		HTTP: &http.Client{CheckRedirect: client.NoRedirect},
		Local: func(context.Context) (site, error) {
			if t.site == nil {
				return nil, local.ErrNotRunning
			}
			return t.site, nil
		},
		AWS: func(context.Context, ...func(*config.LoadOptions) error) (aws.Config, error) {
			return aws.Config{Credentials: fixed{}}, nil
		},
		Bucket: func(_ aws.Config, name string) objects { return t.cloud.buckets[name] },
		Cloud:  func(_ aws.Config, d deployment) *cloud { t.cloud.account = d.Account; return t.cloud.cloud() },
	}
	return t
}

func (t *terminalOf) run(ctx context.Context, args ...string) int {
	return run(ctx, args, &t.world)
}

type fixed struct{}

func (fixed) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
}

type fakeSite struct{ did []string }

func (s *fakeSite) Cut(_ context.Context, r string) error {
	s.did = append(s.did, "cut "+r)
	return nil
}

func (s *fakeSite) Heal(_ context.Context, r string) error {
	s.did = append(s.did, "heal "+r)
	return nil
}
func (s *fakeSite) AWS(string) aws.Config { return aws.Config{Credentials: fixed{}} }

// fakeCloud is AWS with two loop regions and a witness; a dead region answers no question.
type fakeCloud struct {
	mu      sync.Mutex
	account string
	dead    map[string]bool
	docs    map[string]json.RawMessage // region|pk|sk
	depth   map[string]int             // region|queue
	off     map[string]bool            // region|function: its mapping is disabled
	logs    map[string][]string        // region|function
	claimed map[string]loop.Claim
	sent    map[string][]loop.Outgoing // region|queue
	moves   map[string][]queue.Move    // region|queue: what SQS says, one answer after the other; none: it cannot move
	started []string                   // region|queue|rate
	hidden  map[string]bool            // region|queue|index of what was received
	gone    map[string]bool            // and deleted
	record  *mem.Controls              // silences and kill switches
	records *mem.Records               // of the inputs that are watched
	buckets map[string]*mem.Objects
	names   map[string]string // domain|region: how it was changed last
}

func newFakeCloud() *fakeCloud {
	return &fakeCloud{
		dead: map[string]bool{}, docs: map[string]json.RawMessage{}, depth: map[string]int{}, off: map[string]bool{},
		logs: map[string][]string{}, claimed: map[string]loop.Claim{}, sent: map[string][]loop.Outgoing{},
		moves: map[string][]queue.Move{}, hidden: map[string]bool{}, gone: map[string]bool{}, record: mem.NewControls(nil), records: mem.NewRecords(nil),
		buckets: map[string]*mem.Objects{}, names: map[string]string{},
	}
}

func (f *fakeCloud) cloud() *cloud {
	return &cloud{
		Docs: f, Queues: f, Functions: f, Tables: f, Logs: f, Claims: func(r string) claims { return fakeClaims{f, r} },
		Scans: func(r string) scans { return fakeClaims{f, r} }, Who: func(context.Context) string { return "arn:aws:iam::1:user/ann" },
		Controls: func(r string) controls { return fakeControls{f, r} }, Records: func(r string) records { return fakeRecords{f, r} },
		Names: func(domain string) names { return fakeNames{f, domain} },
	}
}

var errDead = errors.New("dial tcp: connection refused")

// ask fails at once where the region is dead, and never answers where it swallows.
func (f *fakeCloud) ask(ctx context.Context, region string) error {
	f.mu.Lock()
	dead, swallows := f.dead[region], f.dead["swallow "+region]
	f.mu.Unlock()
	if swallows {
		<-ctx.Done()
		return ctx.Err()
	}
	if dead {
		return errDead
	}
	return nil
}

func (f *fakeCloud) announce(region, url string) {
	for _, table := range []string{"us-east-2", "us-west-2"} {
		f.put(table, observe.EndpointKey(region), observe.EndpointSort, observe.Endpoint{URL: url, At: testNow})
	}
}

func (f *fakeCloud) put(table, pk, sk string, doc any) {
	raw, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs[table+"|"+pk+"|"+sk] = raw
}

func (f *fakeCloud) Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error) {
	if err := f.ask(ctx, region); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]json.RawMessage{}
	for k, raw := range f.docs {
		if sk, ok := strings.CutPrefix(k, region+"|"+pk+"|"); ok {
			found[sk] = raw
		}
	}
	return found, nil
}

func (f *fakeCloud) Put(ctx context.Context, region, name, writer string, doc any, _ time.Duration) error {
	if err := f.ask(ctx, region); err != nil {
		return err
	}
	f.put(region, name, writer, doc)
	return nil
}

// Depth is what a test says, or else what was sent and not deleted.
func (f *fakeCloud) Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error) {
	f.mu.Lock()
	visible, known := f.depth[region+"|"+queue]
	if !known {
		for i := range f.sent[region+"|"+queue] {
			switch at := fmt.Sprintf("%s|%s|%d", region, queue, i); {
			case f.gone[at]:
			case f.hidden[at]:
				inFlight++
			default:
				visible++
			}
		}
	}
	f.mu.Unlock()
	return visible, inFlight, 0, f.ask(ctx, region)
}

func (f *fakeCloud) Receive(ctx context.Context, region, name string, limit int, _, _ time.Duration) (got []loop.Received, err error) {
	if err := f.ask(ctx, region); err != nil {
		return nil, err
	}
	if f.dead[region+"|"+name] {
		return nil, errDead
	}
	for i, m := range f.sent[region+"|"+name] {
		at := fmt.Sprintf("%s|%s|%d", region, name, i)
		if f.gone[at] || f.hidden[at] || len(got) == limit {
			continue
		}
		f.hidden[at] = true
		got = append(got, loop.Received{Message: loop.Message{ID: at, Body: m.Body, SentAt: testNow}, Handle: at, Group: m.Group})
	}
	return got, nil
}

func (f *fakeCloud) Delete(ctx context.Context, region, _ string, handles []string) error {
	for _, h := range handles {
		f.gone[h] = true
	}
	return f.ask(ctx, region)
}

func (f *fakeCloud) Return(ctx context.Context, region, _ string, handles []string) error {
	for _, h := range handles {
		delete(f.hidden, h)
	}
	return f.ask(ctx, region)
}

func (f *fakeCloud) StartMove(ctx context.Context, region, name string, rate int) error {
	f.started = append(f.started, fmt.Sprintf("%s|%s|%d", region, name, rate))
	return f.ask(ctx, region)
}

func (f *fakeCloud) LastMove(ctx context.Context, region, name string) (queue.Move, error) {
	if err := f.ask(ctx, region); err != nil {
		return queue.Move{}, err
	}
	answers := f.moves[region+"|"+name]
	if len(answers) == 0 {
		return queue.Move{}, queue.ErrNoMove
	}
	if len(answers) > 1 {
		f.moves[region+"|"+name] = answers[1:]
	}
	return answers[0], nil
}

func (f *fakeCloud) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	errs := make([]error, len(msgs))
	err := f.ask(ctx, region)
	for i := range errs {
		errs[i] = err
	}
	if err == nil {
		f.mu.Lock()
		f.sent[region+"|"+queue] = append(f.sent[region+"|"+queue], msgs...)
		f.mu.Unlock()
	}
	return errs
}

func (f *fakeCloud) Function(ctx context.Context, region, name string, fed bool) (functionState, error) {
	if err := f.ask(ctx, region); err != nil {
		return functionState{}, err
	}
	s := functionState{State: "Active"}
	if fed {
		s.Feeds = []string{"Enabled"}
		if f.off[region+"|"+name] {
			s.Feeds = []string{"Disabled"}
		}
	}
	return s, nil
}

func (f *fakeCloud) Table(ctx context.Context, region, _ string) (string, error) {
	if err := f.ask(ctx, region); err != nil {
		return "", err
	}
	return "ACTIVE", nil
}

func (f *fakeCloud) Search(ctx context.Context, region, function, text string, _ time.Time, _ int) ([]logLine, bool, error) {
	if err := f.ask(ctx, region); err != nil {
		return nil, false, err
	}
	var lines []logLine
	for _, l := range f.logs[region+"|"+function] {
		if strings.Contains(l, text) {
			lines = append(lines, logLine{At: testNow, Text: l})
		}
	}
	return lines, false, nil
}

type fakeClaims struct {
	f      *fakeCloud
	region string
}

func (c fakeClaims) Get(ctx context.Context, id string) (loop.Claim, error) {
	if err := c.f.ask(ctx, c.region); err != nil {
		return loop.Claim{}, err
	}
	if one, ok := c.f.claimed[id]; ok {
		return one, nil
	}
	return loop.Claim{}, fmt.Errorf("read claim: %w", loop.ErrNotFound)
}

func (c fakeClaims) Unpark(ctx context.Context, next loop.Claim, token int64) error {
	return c.replace(ctx, next, token, loop.StatusParked)
}

func (c fakeClaims) Swap(ctx context.Context, next loop.Claim, token int64) error {
	return c.replace(ctx, next, token, loop.StatusClaimed)
}

func (c fakeClaims) replace(ctx context.Context, next loop.Claim, token int64, from loop.Status) error {
	if err := c.f.ask(ctx, c.region); err != nil {
		return err
	}
	if one := c.f.claimed[next.EffectID]; one.Status != from || one.Token != token {
		return loop.ErrFenced
	}
	c.f.claimed[next.EffectID] = next
	return nil
}

// Scan gives one record a page.
func (c fakeClaims) Scan(ctx context.Context, q sweep.Query) (sweep.Page, error) {
	page := sweep.Page{}
	if err := c.f.ask(ctx, c.region); err != nil || q.Segment > 0 {
		return page, err
	}
	for _, id := range slices.Sorted(maps.Keys(c.f.claimed)) {
		if id <= q.After {
			continue
		}
		if page.Scanned == 1 {
			return page, nil
		}
		page.Scanned, page.Units, page.Next = 1, 0.5, id
		if one := c.f.claimed[id]; one.Status == q.Status {
			page.Claims = append(page.Claims, one)
		}
	}
	page.Next = ""
	return page, nil
}

// fakeControls loses the answer of a write in a region that is deaf.
type fakeControls struct {
	f      *fakeCloud
	region string
}

func (c fakeControls) Load(ctx context.Context) (loop.Controls, error) {
	if err := c.f.ask(ctx, c.region); err != nil {
		return loop.Controls{}, err
	}
	return c.f.record.In(c.region).Load(ctx)
}

func (c fakeControls) Store(ctx context.Context, next loop.Controls) error {
	if err := c.f.ask(ctx, c.region); err != nil {
		return err
	}
	err := c.f.record.In(c.region).Store(ctx, next)
	if c.f.dead["deaf "+c.region] {
		return errDead
	}
	return err
}

// golden compares text with a file under testdata; -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The width of help depends on COLUMNS, so that white space does not count.
	if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(string(want)), " ") {
		t.Errorf("%s differs; `go test ./cmd/unbroken -update` writes it anew. Got:\n%s", path, got)
	}
}

type fakeRecords struct {
	f      *fakeCloud
	region string
}

func (r fakeRecords) Load(ctx context.Context, key string) (json.RawMessage, int64, error) {
	if err := errors.Join(r.f.ask(ctx, r.region), r.f.ask(ctx, "claims "+r.region)); err != nil {
		return nil, 0, err
	}
	return r.f.records.In(r.region).Load(ctx, key)
}

func (r fakeRecords) Store(ctx context.Context, key string, doc any, standing int64) error {
	if err := errors.Join(r.f.ask(ctx, r.region), r.f.ask(ctx, "claims "+r.region)); err != nil {
		return err
	}
	return r.f.records.In(r.region).Store(ctx, key, doc, standing)
}

// fakeNames is Route 53's control plane, which is dead where us-east-1 is.
type fakeNames struct {
	f      *fakeCloud
	domain string
}

func (n fakeNames) Out(ctx context.Context, region string) (route53.Change, error) {
	return n.set(ctx, region, "out", route53.Change{Check: "c-1", Children: 5, Was: 4, Is: 6})
}

func (n fakeNames) In(ctx context.Context, region string) (route53.Change, error) {
	return n.set(ctx, region, "in", route53.Change{Check: "c-1", Children: 5, Was: 6, Is: 4})
}

func (n fakeNames) set(ctx context.Context, region, how string, c route53.Change) (route53.Change, error) {
	if err := n.f.ask(ctx, route53.Home); err != nil {
		return route53.Change{}, err
	}
	n.f.names[n.domain+"|"+region] = how
	return c, nil
}
