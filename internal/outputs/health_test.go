package outputs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

var operator = region.OperatorKey(here)

// verdict writes what an observer thinks of this region, as of some time ago.
func (w *world) verdict(observer string, healthy bool, ago time.Duration) {
	w.t.Helper()
	v := observe.Verdict{Region: here, Observer: observer, At: w.clock().Add(-ago), Healthy: healthy}
	if err := w.docs.Put(w.t.Context(), here, region.VerdictKey(here), observer, v, 0); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) state(writer string, state region.State, ago time.Duration) {
	w.t.Helper()
	e := region.Entry{State: state, Since: w.clock().Add(-ago)}
	if writer == operator {
		e.Order = map[region.State]region.Order{region.Drained: region.Drain, region.Active: region.Restore}[state]
	}
	if err := w.docs.Put(w.t.Context(), here, region.StateKey(here), writer, e, 0); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) raw(pk, sk, doc string) {
	w.t.Helper()
	if err := w.docs.Put(w.t.Context(), here, pk, sk, json.RawMessage(doc), 0); err != nil {
		w.t.Fatal(err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	const fresh = region.Fresh
	for name, c := range map[string]struct {
		arrange func(w *world)
		fit     bool
	}{
		"nobody has said anything":    {func(*world) {}, true},
		"all are content":             {func(w *world) { w.verdict("a", true, 0); w.verdict("b", true, 0); w.verdict("c", true, 0) }, true},
		"one observer objects":        {func(w *world) { w.verdict("a", false, 0); w.verdict("b", true, 0) }, true},
		"two observers object":        {func(w *world) { w.verdict("a", false, 0); w.verdict("b", false, fresh) }, false},
		"three observers object":      {func(w *world) { w.verdict("a", false, 0); w.verdict("b", false, 0); w.verdict("c", false, 0) }, false},
		"one objection is stale":      {func(w *world) { w.verdict("a", false, 0); w.verdict("b", false, fresh+time.Nanosecond) }, true},
		"one clock is a little ahead": {func(w *world) { w.verdict("a", false, 0); w.verdict("b", false, -fresh) }, false},
		"one is from the far future":  {func(w *world) { w.verdict("a", false, 0); w.verdict("b", false, -time.Hour) }, true},
		"one cannot be read":          {func(w *world) { w.verdict("a", false, 0); w.raw(region.VerdictKey(here), "b", `[]`) }, true},
		"one has no time":             {func(w *world) { w.verdict("a", false, 0); w.raw(region.VerdictKey(here), "b", `{"healthy":false}`) }, true},
		"drained":                     {func(w *world) { w.state(operator, region.Drained, 0) }, false},
		"drained, and restored since": {func(w *world) { w.state("a", region.Drained, time.Minute); w.state(operator, region.Active, 0) }, true},
		"restored, and drained since": {func(w *world) { w.state(operator, region.Active, time.Minute); w.state("a", region.Drained, 0) }, false},
		"the state cannot be read":    {func(w *world) { w.raw(region.StateKey(here), operator, `"drained"`) }, true},
		"no canary has come yet":      {func(w *world) { w.raw(loop.ReceiptKey(here), loop.KindHTTP, `{}`) }, false},
		"canaries are overdue":        {func(w *world) { w.receipt(loop.CanaryKeep + 1) }, false},
		"one over HTTP is overdue":    {func(w *world) { w.receiptOf(loop.KindHTTP, loop.CanaryKeep+1) }, false},
		"one of the inbox is overdue": {func(w *world) { w.receiptOf(loop.KindQueue, loop.CanaryKeep+1) }, false},
		"one of no kind is overdue":   {func(w *world) { w.receiptOf(loop.QueueSignals, loop.CanaryKeep+1) }, true},
		"a canary is nearly overdue":  {func(w *world) { w.receipt(loop.CanaryKeep) }, true},
		"two object, but to all": {func(w *world) {
			for _, r := range []string{here, there} {
				w.raw(region.VerdictKey(r), "a", fmt.Sprintf(`{"at":%q}`, w.clock().Format(time.RFC3339Nano)))
				w.raw(region.VerdictKey(r), "b", fmt.Sprintf(`{"at":%q}`, w.clock().Format(time.RFC3339Nano)))
			}
		}, true},
		"the table does not answer": {func(w *world) { w.fail(errors.New("down")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.arrange(w)
			rec := w.get("/v1/health")
			status, body := http.StatusOK, `{"status":"ok"}`
			if !c.fit {
				status, body = http.StatusServiceUnavailable, `{"status":"unavailable"}`
			}
			if rec.Code != status || rec.Body.String() != body || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
		})
	}
}

// Anyone may ask: a flood must not reach the table, and a change must be seen within the second.
func TestHealthIsAskedOfTheTableOnceASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get("/v1/health")
	once := w.reads()
	w.state(operator, region.Drained, 0)
	written := w.reads() - once
	for range 100 {
		if rec := w.get("/v1/health"); rec.Code != http.StatusOK {
			t.Fatal("not from the cache")
		}
	}
	w.advance(time.Second - time.Nanosecond)
	w.get("/v1/health")
	if n := w.reads() - written; n != once {
		t.Errorf("%d reads, of which %d are the first", n, once)
	}
	w.advance(time.Nanosecond)
	if rec := w.get("/v1/health"); rec.Code != http.StatusServiceUnavailable {
		t.Error("a second later the region is not known to be drained")
	}
}

// One who hangs up must not make the next one's answer.
func TestAnImpatientClientDoesNotTakeTheRegionOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w.askFor(gone, http.MethodGet, "/v1/health")
	if rec := w.get("/v1/health"); rec.Code != http.StatusOK {
		t.Errorf("%d", rec.Code)
	}
}

type hangingDocs struct{}

func (hangingDocs) Query(ctx context.Context, _, _ string) (map[string]json.RawMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestHealthAnswersBeforeACheckerGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.h.Health.Reader.Docs = hangingDocs{}
		start := time.Now()
		if rec := w.get("/v1/health"); rec.Code != http.StatusServiceUnavailable || time.Since(start) >= 2*time.Second {
			t.Errorf("%d after %s", rec.Code, time.Since(start))
		}
	})
}

func TestAnObjectionToAnotherRegionIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.raw(region.VerdictKey(there), fmt.Sprint(i), fmt.Sprintf(`{"healthy":false,"at":%q}`, w.clock().Format(time.RFC3339)))
	}
	if rec := w.get("/v1/health"); rec.Code != http.StatusOK {
		t.Errorf("%d", rec.Code)
	}
}
