package dev_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/internal/dev"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

// rules has times that a busy machine keeps: the tests move the clock where there is something to wait for.
const rules = `
egress_allow: ["%s"]
inputs: {default: {kind: http}}
rules:
  - {id: page, match: {type: [com.example.page]}, key: signal.subject, do: [{step: page, action: page}]}
actions:
  page: {to: webhook, url: "http://%s/page", timeout: 13s, secret: "ssm:/any/secret", output: "page/{{ key }}"}
`

type world struct {
	*dev.World
	ahead  atomic.Int64 // of the clock
	got    chan http.Header
	events chan dev.Event
	during func() // runs while the target has a request
}

func start(t *testing.T, calls ...mem.Fault) *world {
	t.Helper()
	w := &world{got: make(chan http.Header, 10), events: make(chan dev.Event, 1000)}
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		w.got <- r.Header
		if w.during != nil {
			w.during()
		}
	}))
	t.Cleanup(target.Close)
	at := target.Listener.Addr().String()
	cfg, err := rule.Parse("loop.yaml", fmt.Appendf(nil, rules, at, at))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.World, err = dev.New(ctx, dev.Counted(dev.Config{Rules: cfg, Now: w.now, Say: func(e dev.Event) { w.events <- e }}, mem.All(calls...)))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// later is when what is delayed until then is there: standby copies, after 20 s.
func (w *world) later(d time.Duration) {
	w.ahead.Add(int64(d))
	w.Wake()
}

func (w *world) send(t *testing.T, region int, id string) (int, error) {
	t.Helper()
	body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"com.example.page","subject":"k"}`, id)
	resp, err := http.Post(w.Endpoints()[region].URL+"/v1/signals/default", "application/cloudevents+json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func (w *world) until(t *testing.T, what, region string) dev.Event {
	t.Helper()
	for {
		select {
		case e := <-w.events:
			if e.What == what && (region == "" || e.Region == region) {
				return e
			}
		case <-time.After(time.Minute):
			t.Fatalf("never heard %q of %q", what, region)
		}
	}
}

func TestASignalBecomesASignedWebhookAndAnOutput(t *testing.T) {
	t.Parallel()
	w := start(t)
	if status, err := w.send(t, 0, "1"); err != nil || status != http.StatusAccepted {
		t.Fatal(status, err)
	}
	h := <-w.got
	if h.Get("webhook-id") == "" || h.Get("idempotency-key") != h.Get("webhook-id") || h.Get("webhook-signature") == "" {
		t.Errorf("headers %v", h)
	}
	landed := w.until(t, "landed", "")
	if landed.Rule != "page" || landed.Status != "done" || !strings.Contains(landed.String(), "page k do page done") {
		t.Errorf("landed %s", landed)
	}
	for _, e := range w.Endpoints() {
		resp, err := http.Get(e.URL + "/v1/outputs/page/k")
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", e.Region, resp, err)
		}
		_ = resp.Body.Close()
		if resp, err = http.Get(e.URL + "/v1/health"); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", e.Region, resp, err)
		}
		_ = resp.Body.Close()
	}
	// The standby copy finds it done and sends nothing.
	w.later(20 * time.Second)
	w.until(t, "had landed", w.Endpoints()[1].Region)
	if len(w.got) != 0 {
		t.Error("sent twice")
	}
}

// FAULTS 37, after-send: the region is gone before it could commit. Its peer sends the same bytes under the same key.
func TestTheStandbyTakesOverFromAKilledRegion(t *testing.T) {
	t.Parallel()
	var once sync.Once
	w := start(t)
	accepted, gone := make(chan struct{}), make(chan struct{})
	wait := func(c chan struct{}) {
		select {
		case <-c:
		case <-t.Context().Done():
		}
	}
	w.during = func() {
		once.Do(func() {
			wait(accepted) // or the region would be gone before its 202
			w.Strike(t.Context(), dev.Fault{Kind: dev.Kill, Region: "us-east-2"})
			wait(gone)
		})
	}
	if status, err := w.send(t, 0, "1"); err != nil || status != http.StatusAccepted {
		t.Fatal(status, err)
	}
	close(accepted)
	w.until(t, "killed", "us-east-2")
	close(gone)
	w.later(20 * time.Second)
	first, second := <-w.got, <-w.got
	if first.Get("webhook-id") != second.Get("webhook-id") {
		t.Error("the peer used another key")
	}
	if e := w.until(t, "landed", ""); e.Region != "us-west-2" || e.Status != "done" {
		t.Errorf("landed %s", e)
	}
	if _, err := w.send(t, 0, "2"); err == nil {
		t.Error("a killed region answered")
	}
	// Policy `all`: without its peer the other region takes nothing, and says so.
	if status, err := w.send(t, 1, "2"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("%d %v", status, err)
	}
}

func TestFaultsAreParsed(t *testing.T) {
	t.Parallel()
	f, err := dev.ParseFault(dev.Cut, "us-east-2@5s+1m")
	if err != nil || f != (dev.Fault{Kind: dev.Cut, Region: "us-east-2", After: 5 * time.Second, For: time.Minute}) {
		t.Errorf("%+v %v", f, err)
	}
	for _, bad := range []string{"", "us-east-2", "@5s", "us-east-2@", "us-east-2@-5s", "us-east-2@5s+0s", "us-east-2@5s+"} {
		if _, err := dev.ParseFault(dev.Kill, bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
