package decide_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

const inhibitingRules = `
inputs: {default: {kind: http}}
rules:
  - id: down
    match: {type: [a]}
    when: signal.data.value > 5.0
    until: signal.data.value < 3.0
    key: signal.subject
    window: {count: 1, within: 1m}
    mode: %s
    do: [{action: s}]
  - id: slow
    match: {type: [b]}
    key: signal.subject
    do: [{action: s}]
    inhibited_by: [{rule: down}]
actions:
  s: {to: output, effect: native, output: "{{ rule }}/{{ key }}"}
`

func inhibiting(t rapid.TB, mode string) *regions {
	return newRegions(setOf(t, fmt.Sprintf(inhibitingRules, mode)), true, deaf{})
}

func (r *regions) accepted(t rapid.TB, region string, id int, value float64, at, accepted time.Duration) {
	raw, err := json.Marshal(loop.Signal{
		ID: fmt.Sprint(id), Source: "shop", Type: "a", Subject: "k", Time: start.Add(at), Data: json.RawMessage(fmt.Sprintf(`{"value":%g}`, value)),
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := loop.Encode(loop.Item{AcceptedAt: start.Add(accepted), Input: "default", Signal: raw})
	if err != nil {
		t.Fatal(err)
	}
	if failed := r.handlers[region].Handle(context.Background(), []loop.Message{{ID: "m", Body: body}}); len(failed) > 0 {
		t.Fatal("a message failed")
	}
}

func (r *regions) fired(t rapid.TB) decide.Episode {
	e, err := r.episodes.In("a").Get(context.Background(), decide.Ref{RuleID: "down", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A rule that others are inhibited by notes when it fired, by the acceptance of what opened and closed it.
func TestWhatOthersAreInhibitedByIsNoted(t *testing.T) {
	t.Parallel()
	r := inhibiting(t, "enforce")
	for _, region := range []string{"a", "b"} { // each is delivered twice
		r.accepted(t, region, 1, 9, 0, time.Second)
	}
	open := r.fired(t)
	if want := start.Add(time.Second); len(open.Firings) != 1 || !open.Firings[0].From.Equal(want) || !open.Firings[0].Until.IsZero() || open.Firings[0].N != open.N {
		t.Fatalf("%+v", open.Firings)
	}
	for _, region := range []string{"b", "a"} {
		r.accepted(t, region, 2, 1, 10*time.Second, 12*time.Second)
	}
	r.accepted(t, "a", 3, 9, 20*time.Second, 21*time.Second)
	all := r.fired(t).Firings
	if len(all) != 2 || !all[0].Until.Equal(start.Add(12*time.Second)) || !all[1].From.Equal(start.Add(21*time.Second)) || !all[1].Until.IsZero() {
		t.Errorf("%+v", all)
	}
}

// One that none is inhibited by, or that does not act, notes nothing.
func TestWhatInhibitsNothingIsNotNoted(t *testing.T) {
	t.Parallel()
	r := inhibiting(t, "shadow")
	r.accepted(t, "a", 1, 9, 0, 0)
	if e := r.fired(t); !e.Open || len(e.Firings) > 0 {
		t.Errorf("%+v", e)
	}
}

// Whatever comes late, twice, or to the other region: the last firing is the episode, and as many are remembered as may
// be asked for.
func TestFiringsAreTheEpisodes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := inhibiting(t, "enforce")
		opened := map[int64]bool{}
		for id := range rapid.IntRange(1, 60).Draw(t, "n") {
			at := time.Duration(id)*10*time.Second - time.Duration(rapid.IntRange(0, 60).Draw(t, "late"))*time.Second
			value := float64(rapid.IntRange(0, 9).Draw(t, "value"))
			for _, region := range rapid.SampledFrom([][]string{{"a"}, {"b"}, {"a", "b"}, {"b", "b"}}).Draw(t, "regions") {
				r.accepted(t, region, id, value, at, time.Duration(id)*10*time.Second)
			}
			e := r.fired(t)
			if e.N == 0 {
				continue
			}
			opened[e.N] = true
			last := e.Firings[len(e.Firings)-1]
			if last.N != e.N || last.Until.IsZero() != e.Open || len(e.Firings) > loop.MaxFirings {
				t.Fatalf("episode %d, open %v: %+v", e.N, e.Open, e.Firings)
			}
			for i, f := range e.Firings {
				if i > 0 && f.N <= e.Firings[i-1].N || i < len(e.Firings)-1 && f.Until.IsZero() {
					t.Fatalf("%+v", e.Firings)
				}
			}
		}
		if e := r.fired(t); len(e.Firings) < min(len(opened), loop.MaxFirings) {
			t.Fatalf("%d episodes were seen, %d are remembered", len(opened), len(e.Firings))
		}
	})
}
