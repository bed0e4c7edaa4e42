package outputs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/outputs"
	"example.com/unbroken/internal/region"
)

const (
	here  = "us-east-2"
	there = "us-west-2"
)

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// world is two regions' outputs and health over in-memory tables, on a clock that the test moves.
type world struct {
	t     *testing.T
	mu    sync.Mutex
	now   time.Time
	fault func(mem.Op) error
	calls int // of the table
	table *mem.Replicas
	docs  *mem.Documents
	h     *outputs.Handler
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: epoch}
	w.table = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{here, there}, Now: w.clock, Immediate: true, Fault: func(op mem.Op) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if op.When == mem.Before {
			w.calls++
		}
		if w.fault != nil {
			return w.fault(op)
		}
		return nil
	}})
	w.docs = mem.NewDocuments(w.table, here)
	w.h = &outputs.Handler{
		Region: here, Reader: mem.NewOutputs(w.table, here), Now: w.clock,
		Health: &outputs.Health{
			Region: here, Now: w.clock, Canaries: []string{loop.KindHTTP, loop.KindQueue},
			Reader: region.Reader{Docs: w.docs, Loop: []string{here, there}},
		},
	}
	w.receipt(0)
	w.calls = 0
	return w
}

// receipt is that of a canary of each kind that landed here some time ago.
func (w *world) receipt(ago time.Duration) {
	w.t.Helper()
	w.receiptOf(loop.KindHTTP, ago)
	w.receiptOf(loop.KindQueue, ago)
}

func (w *world) receiptOf(kind string, ago time.Duration) {
	w.t.Helper()
	r := loop.Receipt{Input: kind, LandedAt: w.clock().Add(-ago)}
	if err := w.docs.Put(w.t.Context(), here, loop.ReceiptKey(here), kind, r, 0); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = func(mem.Op) error { return err }
}

func (w *world) reads() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// leave writes version n of key in a region, now.
func (w *world) leave(region, key string, n int64, value string) loop.Output {
	w.t.Helper()
	o := loop.Output{
		Key: key, Value: json.RawMessage(value), ContentType: loop.ContentJSON, Fence: loop.EpisodeFence(n, loop.PhaseDo), Origin: region,
		EffectID: fmt.Sprintf("e%d", n), RuleID: "r", WrittenAt: w.clock(),
	}
	if err := mem.NewOutputs(w.table, region).Write(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (w *world) ask(method, target string, header ...string) *httptest.ResponseRecorder {
	return w.askFor(w.t.Context(), method, target, header...)
}

func (w *world) askFor(ctx context.Context, method, target string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	req := httptest.NewRequestWithContext(ctx, method, target, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, req)
	return rec
}

func (w *world) get(target string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.ask(http.MethodGet, target, header...)
}

// into decodes a 200.
func into[T any](t *testing.T, rec *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %s", rec.Code, rec.Header().Get("Content-Type"), rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return v
}

// refused checks what every refusal must say, and returns its detail.
func refused(t *testing.T, rec *httptest.ResponseRecorder, status int, code loop.Code) string {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
		Code                loop.Code
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d, not a problem: %s", rec.Code, rec.Body)
	}
	if rec.Code != status || p.Status != status || p.Code != code || p.Type != "urn:unbroken:problem:"+string(code) || p.Title == "" || p.Detail == "" ||
		rec.Header().Get("Content-Type") != "application/problem+json" || rec.Header().Get("ETag") != "" || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v: %s; want %d %s", rec.Code, rec.Header(), rec.Body, status, code)
	}
	return p.Detail
}
