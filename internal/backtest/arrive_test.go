package backtest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const arriveRules = `
inputs: {default: {kind: queue}}
rules:
  - {id: down, match: {type: [host]}, when: signal.data.down, key: signal.subject, window: {count: 1, within: 5m}, do: [{action: note}]}
  - {id: slow, match: {type: [latency]}, key: signal.subject, do: [{action: note}], inhibited_by: []}
actions: {note: {to: output, effect: native, output: "{{ rule }}/{{ key }}"}}
`

// What mutes is asked as of the acceptance, though all signals come in one batch and decide sends what needs no table
// first. Where only the muted rule has changed, the one that mutes it is asked on its side as well.
func TestABacktestShowsWhatIsMuted(t *testing.T) {
	t.Parallel()
	var list List
	for minute, data := range []string{`{"latency":1}`, `{"down":true}`, `{"latency":1}`, `{"down":false}`, `{"latency":1}`} {
		typ := map[bool]string{true: "host", false: "latency"}[strings.Contains(data, "down")]
		at := Epoch.Add(time.Duration(minute) * time.Minute)
		list = append(list, Record{At: at, N: minute + 1, Signal: fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"s","type":%q,"subject":"k","time":%q,"data":%s}`, minute, typ, at.Format(time.RFC3339), data)})
	}
	old, now := config(t, arriveRules), config(t, strings.Replace(arriveRules, "inhibited_by: []", "inhibited_by: [{rule: down}]", 1))
	d := NewDiff(old, now, 10)
	err := Run(t.Context(), Config{Old: old, New: now, Source: &list, Workers: 2, Seen: func(s Step) error { d.Add(s.Old, s.New); return nil }})
	d.Close()
	if err != nil {
		t.Fatal(err)
	}
	if got := *d.Rules["slow"]; got.New != 3 || got.Old != 3 || got.Muted != 1 || got.Changed != 1 || got.Same != 2 {
		t.Errorf("%+v", got)
	}
	if len(d.First) != 1 || d.First[0].MutedBy != "down" || !d.First[0].At.Equal(Epoch.Add(2*time.Minute)) {
		t.Errorf("%+v", d.First)
	}
}
