package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

const (
	ohio   = "us-east-2"
	oregon = "us-west-2"
)

var (
	noon    = time.Date(2026, 3, 4, 12, 0, 0, 123456789, time.UTC)
	errDown = errors.New("the region is down")
)

// sent is one message as the fake stored it.
type sent struct {
	region, queue string
	msg           loop.Outgoing
	at            time.Time
}

// fakeQueue records what is stored and fails or hangs as it is told.
type fakeQueue struct {
	mu    sync.Mutex
	sent  []sent
	calls int
	fail  func(region, queue string, call, message int) error // nil result: stored
	hang  map[string]bool                                     // per region: until the context ends
	deaf  map[string]chan struct{}                            // per region: hangs and ignores its context
	delay time.Duration
}

func (q *fakeQueue) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	q.mu.Lock()
	q.calls++
	call := q.calls
	q.mu.Unlock()
	errs := make([]error, len(msgs))
	if q.hang[region] {
		<-ctx.Done()
		return fill(errs, ctx.Err())
	}
	if c := q.deaf[region]; c != nil {
		<-c
	}
	if q.delay > 0 {
		time.Sleep(q.delay) // a synctest bubble's time
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range msgs {
		if q.fail != nil {
			errs[i] = q.fail(region, queue, call, i)
		}
		if errs[i] == nil {
			q.sent = append(q.sent, sent{region, queue, m, time.Now()})
		}
	}
	return errs
}

// down fails every send to the regions.
func down(regions ...string) func(string, string, int, int) error {
	return func(region, _ string, _, _ int) error {
		if slices.Contains(regions, region) {
			return errDown
		}
		return nil
	}
}

// items of everything stored in one region's queue.
func (q *fakeQueue) items(t testing.TB, region, queue string) []loop.Item {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []loop.Item
	for _, s := range q.sent {
		if s.region != region || s.queue != queue {
			continue
		}
		var e loop.Envelope
		if err := json.Unmarshal(s.msg.Body, &e); err != nil || e.V != loop.EnvelopeVersion {
			t.Fatalf("not an envelope: %v: %.200s", err, s.msg.Body)
		}
		all = append(all, e.Items...)
	}
	return all
}

// ids of the signals stored in one region, sorted.
func (q *fakeQueue) ids(t testing.TB, region string) []string {
	t.Helper()
	ids := []string{}
	for _, it := range q.items(t, region, loop.QueueSignals) {
		s, err := ParseEvent(it.Signal)
		if err != nil {
			t.Fatalf("stored a signal that is none: %v", err)
		}
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return ids
}

func (q *fakeQueue) records(t testing.TB) []Quarantined {
	t.Helper()
	var all []Quarantined
	for _, s := range q.sent {
		if s.queue != loop.DeadLetter(loop.QueueInbox) {
			continue
		}
		var r Quarantined
		if err := json.Unmarshal(s.msg.Body, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// ledger is an Observer that remembers.
type ledger struct {
	mu       sync.Mutex
	accepted map[string]int // "input/copies" -> keys
	refused  map[string]int // "input/code" -> n
	lost     map[string]int // input -> signals that are not archived
}

func (l *ledger) Accepted(_ context.Context, input string, keys []string, copies int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted[fmt.Sprintf("%s/%d", input, copies)] += len(keys)
}

func (l *ledger) Refused(_ context.Context, input string, code loop.Code, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[input+"/"+string(code)] += n
}

func (l *ledger) Unarchived(_ context.Context, input string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost[input] += n
}

func setup(q *fakeQueue) (*Acceptor, *ledger) {
	l := &ledger{accepted: map[string]int{}, refused: map[string]int{}, lost: map[string]int{}}
	return New(Config{
		Region: ohio, Peers: []string{oregon}, StandbyDelay: 20 * time.Second, Queue: q, Observer: l,
		Now: func() time.Time { return noon },
		Inputs: map[string]loop.Input{
			"shop":    {Kind: loop.KindHTTP, Durability: loop.Mirrored, Policy: loop.PolicyAll, MaxSkew: loop.Duration(time.Hour)},
			"any":     {Kind: loop.KindHTTP, Durability: loop.Mirrored, Policy: loop.PolicyAny},
			"local":   {Kind: loop.KindHTTP, Durability: loop.Regional, Policy: loop.PolicyAll},
			"kept":    {Kind: loop.KindHTTP, Durability: loop.Mirrored, Policy: loop.PolicyAll, Archive: true},
			"inbox":   {Kind: loop.KindQueue, Durability: loop.Mirrored, Policy: loop.PolicyAll, MaxSkew: loop.Duration(time.Hour)},
			"lenient": {Kind: loop.KindQueue, Durability: loop.Mirrored, Policy: loop.PolicyAny},
		},
	}), l
}

// event is a small structured event; more is spliced in before its end.
func event(id string, more ...string) string {
	e := `{"specversion":"1.0","id":"` + id + `","source":"shop/checkout","type":"com.example.metric"`
	for _, m := range more {
		e += "," + m
	}
	return e + "}"
}

// sized is an event of exactly n bytes.
func sized(t testing.TB, id string, n int) string {
	t.Helper()
	empty := event(id, `"data":""`)
	if n < len(empty) {
		t.Fatalf("%d bytes are too few", n)
	}
	return event(id, `"data":"`+strings.Repeat("x", n-len(empty))+`"`)
}

func batchOf(events ...string) string { return "[" + strings.Join(events, ",") + "]" }

func arrivals(t testing.TB, events ...string) []Arrival {
	t.Helper()
	var all []Arrival
	for _, e := range events {
		s, err := ParseEvent([]byte(e))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Arrival{Signal: s})
	}
	return all
}
