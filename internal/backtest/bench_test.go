package backtest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/unbroken/internal/cputime"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// benchRules are those of the sample loop: one without state, two with windows; %s is a threshold.
const benchRules = `
inputs: {default: {kind: http}}
rules:
  - id: deploy-failed
    match: {type: [com.example.deploy.failed]}
    key: signal.subject
    do: [{step: rollback, action: page}]
  - id: errors
    match: {type: [com.example.metric], source: [{prefix: shop/}]}
    when: signal.data.error_rate > 0.5
    until: signal.data.error_rate < 0.02
    key: signal.subject
    window: {count: 3, within: 5m}
    do: [{step: shed, action: shed}, {step: page, action: page}]
    undo: [{step: shed, action: shed}]
  - id: cpu
    match: {type: [com.example.cpu]}
    when: signal.data.value > %s
    key: signal.subject
    window: {count: 3, within: 15m}
    do: [{step: page, action: page}]
actions:
  page: {to: webhook, url: "https://hooks.example.com/page/{{ key }}", effect: keyed}
  shed: {to: output, effect: native, output: "shed/{{ key }}", value: {phase: "{{ phase }}"}}
`

func config(tb testing.TB, text string) *loop.Config {
	tb.Helper()
	cfg, err := rule.Parse("loop.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// traffic makes n signals of 500 services, a tenth of a second apart on average.
type traffic struct {
	n, left int
	at      time.Time
	rand    *rand.Rand
}

func newTraffic(n int) *traffic {
	return &traffic{left: n, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), rand: rand.New(rand.NewPCG(7, 7))}
}

func (t *traffic) Next() (Record, error) {
	if t.left == 0 {
		return Record{}, io.EOF
	}
	t.left--
	t.n++
	t.at = t.at.Add(time.Duration(1+t.rand.IntN(200)) * time.Millisecond)
	typ, data := "com.example.metric", fmt.Sprintf(`{"service":"s","error_rate":%.4f,"latency_ms":%d}`, t.rand.Float64()*t.rand.Float64(), t.rand.IntN(1500))
	switch t.rand.IntN(11) {
	case 0:
		typ, data = "com.example.deploy.failed", `{"version":"1.2.3","reason":"health"}`
	case 1:
		typ = "org.other.thing"
	case 2, 3, 4:
		typ, data = "com.example.cpu", fmt.Sprintf(`{"value":%.2f}`, 100*t.rand.Float64())
	}
	return Record{N: t.n, At: t.at, Signal: fmt.Appendf(nil,
		`{"specversion":"1.0","type":%q,"source":"shop/metrics","id":"e%d","subject":"shop/s%d","time":%q,"datacontenttype":"application/json","data":%s}`,
		typ, t.n, t.rand.IntN(500), t.at.Format(time.RFC3339Nano), data)}, nil
}

// BenchmarkTwoSides is a backtest of three rules against three, one of which differs, from the file's bytes on.
func BenchmarkTwoSides(b *testing.B) {
	const n = 50_000
	var file []byte
	for source := newTraffic(n); ; {
		r, err := source.Next()
		if err != nil {
			break
		}
		file = append(append(file, r.Signal...), '\n')
	}
	old, now := config(b, fmt.Sprintf(benchRules, "90.0")), config(b, fmt.Sprintf(benchRules, "92.0"))
	b.ReportAllocs()
	used := cputime.Used()
	for b.Loop() {
		source, err := Merge([]File{{Name: "f", Source: NewLines(bytes.NewReader(file))}})
		if err != nil {
			b.Fatal(err)
		}
		diff := NewDiff(old, now, 20)
		err = Run(b.Context(), Config{
			Old: old, New: now, Source: source,
			Seen: func(s Step) error { diff.Add(s.Old, s.New); return nil },
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "signals/s")
	cputime.Report(b, used, n*b.N)
}
