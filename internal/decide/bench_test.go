package decide

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/unbroken/internal/cputime"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// packOf makes one message of n signals of about 1 KB; type i%types, and value decides whether `when` holds.
func packOf(b testing.TB, n, types int, prefix string) []byte {
	b.Helper()
	items := make([]loop.Item, n)
	filler := strings.Repeat("x", 80)
	for i := range items {
		fields := map[string]any{"error_rate": 0.5, "host": fmt.Sprintf("host-%d", i)}
		for f := range 7 {
			fields[fmt.Sprintf("field_%d", f)] = filler
		}
		data, err := json.Marshal(fields)
		if err != nil {
			b.Fatal(err)
		}
		raw, err := json.Marshal(loop.Signal{
			ID: fmt.Sprint(i), Source: "shop/checkout", Type: fmt.Sprintf("%s.%d", prefix, i%types), Subject: "shop/checkout",
			Time: epoch, Data: data,
		})
		if err != nil {
			b.Fatal(err)
		}
		items[i] = loop.Item{AcceptedAt: epoch, Input: "default", Signal: raw}
	}
	body, err := loop.Encode(items...)
	if err != nil {
		b.Fatal(err)
	}
	return body
}

func rulesOf(b testing.TB, n int) *rule.Set {
	b.Helper()
	var y strings.Builder
	y.WriteString("rules:\n")
	for i := range n {
		fmt.Fprintf(&y, "  - {id: r%d, match: {type: [com.example.%d]}, when: signal.data.error_rate > 0.05%d, key: signal.subject, do: [{step: page, action: page}]}\n", i, i, i)
	}
	y.WriteString("inputs: {default: {kind: http}}\nactions:\n  page: {to: output, effect: native, output: 'page/{{ key }}', value: {rate: '{{ signal.data.error_rate }}'}}\n")
	cfg, err := rule.Parse("bench.yaml", []byte(y.String()))
	if err != nil {
		b.Fatal(err)
	}
	set, err := rule.Compile(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return set
}

// benchCore measures decide's pure core: a packed message in, decisions with rendered effects out.
func benchCore(b *testing.B, rules, types int, prefix string, wantDecisions int) {
	const pack = 100
	set, body := rulesOf(b, rules), packOf(b, pack, types, prefix)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	used := cputime.Used()
	for b.Loop() {
		items, err := decode(body)
		if err != nil {
			b.Fatal(err)
		}
		out := found{observations: map[target]*group{}}
		for i := range items {
			evaluate(set, &work{item: items[i]}, &out)
		}
		if len(out.decisions) != wantDecisions {
			b.Fatalf("%d decisions, want %d", len(out.decisions), wantDecisions)
		}
	}
	b.ReportMetric(float64(pack)*float64(b.N)/b.Elapsed().Seconds(), "signals/s")
	cputime.Report(b, used, pack*b.N)
}

func BenchmarkMatched100Rules(b *testing.B)   { benchCore(b, 100, 100, "com.example", 100) }
func BenchmarkUnmatched100Rules(b *testing.B) { benchCore(b, 100, 100, "org.example", 0) }
