package rule

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// benchConfig is 100 rules over 100 types, each with a CEL condition and one webhook.
func benchConfig(tb testing.TB) *loop.Config {
	tb.Helper()
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  - {id: r%d, match: {type: [com.example.t%d]}, when: signal.data.x > %d, do: [{action: page}]}\n", i, i, i)
	}
	b.WriteString("actions:\n  page: {to: webhook, url: \"https://hooks.example.com/page\"}\n")
	cfg, err := Parse("bench.yaml", []byte(b.String()))
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// benchSignal is about 1 KB.
func benchSignal(typ string) []byte {
	var pad strings.Builder
	for i := range 14 {
		fmt.Fprintf(&pad, `"label_%02d":"some value of a label %02d","m%02d":%d.5,`, i, i, i, i)
	}
	return []byte(`{"specversion":"1.0","id":"0190a5f2-7b2e-7c3a-9f1e-3d2c1b0a9f8e","source":"shop/checkout/eu","type":"` + typ +
		`","subject":"checkout","time":"2026-03-01T12:00:00.123456789Z","datacontenttype":"application/json","data":{` +
		pad.String() + `"x":1000}}`)
}

var acceptedAt = time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC)

func BenchmarkAllMatched(b *testing.B) {
	set, err := Compile(benchConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	signals := make([][]byte, 100)
	for i := range signals {
		signals[i] = benchSignal(fmt.Sprintf("com.example.t%d", i))
	}
	run := func(raw []byte) int {
		effects := 0
		for _, p := range set.Candidates(Type(raw)) {
			ev := NewEvent(raw, acceptedAt)
			if !p.Match(ev) {
				continue
			}
			if holds, err := p.When(ev); err != nil || !holds {
				b.Fatal(holds, err)
			}
			key, err := p.Key(ev)
			if err != nil {
				b.Fatal(err)
			}
			out, err := p.Render(ev, RenderInput{Key: key, Phase: loop.PhaseDo})
			if err != nil {
				b.Fatal(err)
			}
			effects += len(out)
		}
		return effects
	}
	for _, s := range signals {
		if run(s) != 1 {
			b.Fatal("not one effect")
		}
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(signals[0])))
	for i := 0; b.Loop(); i++ {
		run(signals[i%len(signals)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signals/s")
}

func BenchmarkNoneMatched(b *testing.B) {
	set, err := Compile(benchConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	raw := benchSignal("com.example.other")
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if len(set.Candidates(Type(raw))) != 0 {
			b.Fatal("matched")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signals/s")
}

func BenchmarkWhen(b *testing.B) {
	set, err := Compile(benchConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	p := set.Programs()[0]
	raw := benchSignal("com.example.t0")
	b.ReportAllocs()
	for b.Loop() {
		if holds, err := p.When(NewEvent(raw, acceptedAt)); err != nil || !holds {
			b.Fatal(holds, err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	bundle, err := Pack(benchConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(bundle); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse100Rules(b *testing.B) {
	for b.Loop() {
		benchConfig(b)
	}
}

// BenchmarkWhenByDecoding is the alternative that was not taken: decode the signal, then evaluate.
func BenchmarkWhenByDecoding(b *testing.B) {
	x, err := compile("signal.data.x > 0", scopeCondition, nil)
	if err != nil {
		b.Fatal(err)
	}
	raw := benchSignal("com.example.t0")
	b.ReportAllocs()
	for b.Loop() {
		var signal map[string]any
		if err := json.Unmarshal(raw, &signal); err != nil {
			b.Fatal(err)
		}
		if _, _, err := x.program.Eval(map[string]any{"signal": signal}); err != nil {
			b.Fatal(err)
		}
	}
}
