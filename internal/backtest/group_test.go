package backtest

import (
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/rule"
)

const groupedRules = `
inputs: {default: {kind: http}}
rules:
  - {id: r, match: {type: [t]}, key: signal.subject, group: {by: "'all'", wait: 30s}, do: [{action: note}]}
actions:
  note: {to: output, effect: native, output: "note/{{ key }}", value: "{{ signal.data.count }}"}
`

// Groups go by the clock: a batch of 256 signals holds many spans, and each is decided of what came in it.
func TestGroupsOfABacktestAreThoseOfTheirTime(t *testing.T) {
	t.Parallel()
	cfg, err := rule.Parse("loop.yaml", []byte(groupedRules))
	if err != nil {
		t.Fatal(err)
	}
	var list List
	for second := range 900 {
		at := Epoch.Add(time.Duration(second) * time.Second)
		list = append(list, Record{At: at, N: second + 1, Signal: fmt.Appendf(nil,
			`{"specversion":"1.0","type":"t","source":"s","id":"%d","subject":"%d","time":%q}`, second, second%7, at.Format(time.RFC3339))})
	}
	made, _ := played(t, Config{New: cfg, Source: &list})
	if len(made) != 29 { // the last span is not over when the recording ends
		t.Fatalf("%d decisions of 900 seconds, want one each 30", len(made))
	}
	for i, m := range made {
		if want := Epoch.Add(time.Duration(i+1) * 30 * time.Second); !m.At.Equal(want) || string(m.Effects[0].Output.Value) != `7` {
			t.Errorf("decision %d: %s keys at %s, want 7 at %s", i, m.Effects[0].Output.Value, m.At, want)
		}
	}
}
