package rule

import (
	"fmt"
	"testing"
	"time"
)

func explained(t *testing.T, match, when, signal string) (*Program, *Event) {
	t.Helper()
	cfg, err := Parse("loop.yaml", fmt.Appendf(nil, `
inputs: {default: {kind: http}}
rules: [{id: r, match: %s, when: %q, do: [{action: a}]}]
actions: {a: {to: output, effect: native, output: "o", value: 1}}
`, match, when))
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return set.Programs()[0], NewEvent([]byte(signal), time.Unix(0, 0))
}

func TestTheFirstFieldThatDoesNotMatchIsNamed(t *testing.T) {
	t.Parallel()
	const match = `{type: [t], source: [{prefix: shop/}], data: {rate: [{numeric: [">", 5]}], zone: [a]}}`
	for signal, want := range map[string]string{
		`{"type":"u","source":"shop/x"}`:                                    `type [t] "u"`,
		`{"type":"t","source":"lab/x","data":{"rate":9,"zone":"a"}}`:        `source [map[prefix:shop/]] "lab/x"`,
		`{"type":"t","source":"shop/x","data":{"rate":1.50,"zone":"a"}}`:    `data.rate [map[numeric:[> 5]]] 1.50`,
		`{"type":"t","source":"shop/x","data":{"rate":9}}`:                  `data.zone [a] `,
		`{"type":"t","source":"shop/x","data":[{"rate":9}]}`:                `data.zone [a] [{"rate":9}]`,
		`{"type":"t","source":"shop/x","data":{"rate":9,"zone":["b","a"]}}`: ``,
	} {
		p, ev := explained(t, match, "true", signal)
		got := ""
		if m := p.Mismatch(ev); m != nil {
			got = fmt.Sprint(m.Field, " ", m.Want, " ", m.Got)
		}
		if got != want || (got == "") != p.Match(ev) {
			t.Errorf("%s: %s, want %s", signal, got, want)
		}
	}
}

func TestWhatAnExpressionLooksAtIsShown(t *testing.T) {
	t.Parallel()
	const signal = `{"type":"t","source":"s","data":{"rate":0.70,"zones":["a"],"deep":{"x":{"y":1}}}}`
	for when, want := range map[string]string{
		`signal.data.rate > 0.5 && signal.data.rate < 1.0`: `[{signal.data.rate 0.7 }]`,
		`signal.data.zones.exists(z, z == signal.source)`:  `[{signal.data.zones ["a"] } {signal.source "s" }]`,
		`has(signal.data.deep.x) && rule == "r"`:           `[{signal.data.deep.x {"y":1} }]`,
		`signal.data.gone == 1`:                            `[{signal.data.gone  rule_failed: no such key: gone}]`,
		`true`:                                             `[]`,
	} {
		p, ev := explained(t, `{type: [t]}`, when, signal)
		got, err := p.Inputs(ev, when)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v, want %s", when, got, err, want)
		}
	}
}
