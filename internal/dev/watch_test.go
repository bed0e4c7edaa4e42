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
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

const standbyRules = `
egress_allow: ["%[1]s"]
inputs:
  feed: {kind: http, expect_every: 1m, standby: page}
  page: {kind: poll, url: "http://%[1]s/incidents", secret: "ssm:/page", source: status/prod, map: {id: body.id, type: "'com.example.incident'", subject: body.component}}
rules:
  - {id: stalled, match: {type: [unbroken.input.stalled]}, key: signal.subject, do: [{step: say, action: say}]}
  - {id: incident, match: {type: [com.example.incident]}, key: signal.subject, do: [{step: say, action: say}]}
actions:
  say: {to: output, output: "said/{{ key }}", value: "{{ signal.id }}"}
`

// A feed that falls silent is told of to rules, and the endpoint that stands by for it is read.
func TestAnInputThatFallsSilentIsStoodInForByItsEndpoint(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	status := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+dev.LocalSecret {
			t.Errorf("asked with %q", r.Header.Get("Authorization"))
		}
		_, _ = fmt.Fprint(w, `{"id":"inc-1","component":"checkout"}`)
	}))
	t.Cleanup(status.Close)
	cfg, err := rule.Parse("loop.yaml", fmt.Appendf(nil, standbyRules, status.Listener.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{events: make(chan dev.Event, 10_000)}
	ctx, cancel := context.WithCancel(t.Context())
	watched, began := make(chan struct{}), sync.Once{}
	w.World, err = dev.New(ctx, dev.Counted(dev.Hurried(dev.Config{
		Rules: cfg, Say: func(e dev.Event) { w.events <- e }, Now: w.now,
	}, 20*time.Millisecond), func(op mem.Op) error {
		if op.Name == "Store" && op.Key == loop.WatchedKey("feed") && op.When == mem.After {
			began.Do(func() { close(watched) })
		}
		return nil
	}))
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
	const event = `{"specversion":"1.0","id":"1","source":"s","type":"com.example.nothing"}`
	resp, err := http.Post(w.Endpoints()[0].URL+"/v1/signals/feed", "application/cloudevents+json", strings.NewReader(event))
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	w.until(t, "unmatched", "")
	if n := asked.Load(); n > 0 {
		t.Errorf("the endpoint is asked %d times while it only stands by", n)
	}
	<-watched // silence before the first look does not count
	w.later(3 * time.Minute)
	if e := w.until(t, "stalled", ""); e.Detail != "input feed, page is active" {
		t.Errorf("%s", e)
	}
	said := map[string]bool{}
	for len(said) < 2 {
		said[w.until(t, "landed", "").Rule] = true
	}
	if !said["stalled"] || !said["incident"] {
		t.Errorf("landed of %v", said)
	}
}
