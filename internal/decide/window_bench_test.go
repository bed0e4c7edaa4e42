package decide_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"example.com/unbroken/internal/cputime"
	"example.com/unbroken/internal/loop"
)

// statefulRules is one rule with a window; its signals fall below the thresholds, as most do.
const statefulRules = `
inputs: {default: {kind: http}}
rules:
  - id: r
    match: {type: [m]}
    %s
    key: signal.subject
    window: %s
    do: [{step: s, action: s}]
actions:
  s: {to: output, effect: native, output: "s/{{ key }}", value: 1}
`

// benchStateful measures the whole stage with its tables in memory: messages in, entries and episodes stored. One
// signal a second of event time and key; n keys.
func benchStateful(b *testing.B, when, window string, keys int) {
	const pack, packs = 100, 500
	set := setOf(b, fmt.Sprintf(statefulRules, when, window))
	bodies, n := make([][]byte, packs), 0
	for i := range bodies {
		items := make([]loop.Item, pack)
		for i := range items {
			raw, err := json.Marshal(loop.Signal{
				ID: fmt.Sprint(n), Source: "shop/checkout", Type: "m", Subject: fmt.Sprint("host-", n%keys),
				Time: second(n / keys), Data: json.RawMessage(`{"error_rate":0.01,"latency_ms":120.5}`),
			})
			if err != nil {
				b.Fatal(err)
			}
			items[i], n = loop.Item{AcceptedAt: start, Input: "default", Signal: raw}, n+1
		}
		body, err := loop.Encode(items...)
		if err != nil {
			b.Fatal(err)
		}
		bodies[i] = body
	}
	var r *regions
	b.ReportAllocs()
	used := cputime.Used()
	for i := 0; b.Loop(); i++ {
		if i%packs == 0 { // the same signals once more, to empty tables
			r = newRegions(set, true, deaf{})
		}
		r.now = second(i % packs * pack / keys)
		if failed := r.handlers["a"].Handle(context.Background(), []loop.Message{{ID: "m", Body: bodies[i%packs]}}); len(failed) > 0 {
			b.Fatal("failed")
		}
	}
	b.ReportMetric(float64(pack)*float64(b.N)/b.Elapsed().Seconds(), "signals/s")
	cputime.Report(b, used, pack*b.N)
}

func BenchmarkStateful(b *testing.B) {
	for _, c := range []struct{ name, when, window string }{
		{"count", "when: signal.data.error_rate > 0.001", "{count: 30, within: 10s, lateness: 30s}"},
		{"for", "when: signal.data.error_rate > 0.05", "{for: 30s, lateness: 30s}"},
		{"avg", "", "{avg: signal.data.latency_ms, over: 1m, above: 800, lateness: 30s}"},
		{"p95", "", "{p95: signal.data.latency_ms, over: 1m, above: 800, lateness: 30s}"},
		{"all", "", "{all: [{name: a, match: {type: [m]}}, {name: b, match: {type: [n]}}], within: 1m, lateness: 30s}"},
	} {
		for _, keys := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/keys=%d", c.name, keys), func(b *testing.B) { benchStateful(b, c.when, c.window, keys) })
		}
	}
}
