package decide

import (
	"encoding/json"
	"fmt"
	"testing"

	"example.com/unbroken/internal/cputime"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// decideOnce takes a message through the pure core.
func decideOnce(tb testing.TB, set *rule.Set, body []byte) found {
	tb.Helper()
	items, err := decode(body)
	if err != nil {
		tb.Fatal(err)
	}
	out := found{observations: map[target]*group{}}
	for i := range items {
		evaluate(set, &work{item: items[i]}, &out)
	}
	return out
}

// TestMoreRulesCostNothing: a signal meets the rules of its type and no others, so that it costs the same among a
// thousand rules as among ten. What is counted here is what a busy machine does not change; the benchmark has the time.
func TestMoreRulesCostNothing(t *testing.T) {
	few, many := rulesOf(t, 10), rulesOf(t, 1000)
	for i := range 10 {
		if n := len(many.Candidates(fmt.Sprintf("com.example.%d", 99*i))); n != 1 {
			t.Errorf("%d candidates of 1000 rules for one type", n)
		}
	}
	measure := func(set *rule.Set, types int) float64 {
		body := packOf(t, 1000, types, "com.example")
		if n := len(decideOnce(t, set, body).decisions); n != 1000 { // compiles what it needs, too
			t.Fatalf("%d decisions", n)
		}
		return testing.AllocsPerRun(5, func() { decideOnce(t, set, body) })
	}
	if a, b := measure(few, 10), measure(many, 1000); b > 1.05*a {
		t.Errorf("%.0f allocations among ten rules, %.0f among a thousand", a, b)
	}
}

// BenchmarkThousandRules decides the same signals among ten rules over ten types and among a thousand over a
// thousand, in turns, so that whatever else the machine does meets both. `ratio` is of their best turns.
func BenchmarkThousandRules(b *testing.B) {
	const pack = 1000
	few, many := rulesOf(b, 10), rulesOf(b, 1000)
	body10, body1000 := packOf(b, pack, 10, "com.example"), packOf(b, pack, 1000, "com.example")
	turn := func(set *rule.Set, body []byte) float64 {
		used := cputime.Used()
		decideOnce(b, set, body)
		return (cputime.Used() - used).Seconds() / pack
	}
	turn(few, body10)
	turn(many, body1000)
	best10, best1000 := 1.0, 1.0
	for b.Loop() {
		best10, best1000 = min(best10, turn(few, body10)), min(best1000, turn(many, body1000))
	}
	b.ReportMetric(best10*1e9, "ns/signal-10")
	b.ReportMetric(best1000*1e9, "ns/signal-1000")
	b.ReportMetric(best1000/best10, "ratio")
}

// TestWhatWasDecidedDoesNotNeedTheSignal: the bytes of a message are read where they stand, and may be used again once
// it has been decided.
func TestWhatWasDecidedDoesNotNeedTheSignal(t *testing.T) {
	t.Parallel()
	cfg, err := rule.Parse("loop.yaml", []byte(`
inputs: {default: {kind: http}}
rules:
  - {id: subject, match: {type: [com.example.0]}, do: [{step: s, action: a, with: {all: "{{ signal.data }}", host: "{{ signal.data.host }}"}}]}
  - {id: expression, match: {type: [com.example.0]}, key: signal.data.host, do: [{step: s, action: w}]}
  - {id: window, match: {type: [com.example.0]}, key: signal.subject, window: {count: 2, within: 1m}, do: [{step: s, action: a}]}
actions:
  a: {to: output, effect: native, output: "{{ key }}", value: {v: "{{ with }}", s: "{{ signal.subject }}"}}
  w: {to: webhook, effect: keyed, url: "https://example.com/{{ signal.data.host }}", headers: {x-h: "{{ signal.data.host }}"}}
`))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	body := packOf(t, 3, 1, "com.example")
	out := decideOnce(t, set, body)
	tell := func() string {
		effects := []loop.Decision{}
		for _, d := range out.decisions {
			effects = append(effects, d.Decision)
		}
		keys := []string{}
		for _, at := range out.order {
			keys = append(keys, at.key)
			for _, o := range out.observations[at].obs {
				keys = append(keys, o.entry.Pos.String())
			}
		}
		told, err := json.Marshal([]any{effects, keys})
		if err != nil {
			t.Fatal(err)
		}
		return string(told)
	}
	before := tell()
	for i := range body {
		body[i] = 'x'
	}
	if after := tell(); before != after || len(out.decisions) != 6 || len(out.order) != 1 {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
}
