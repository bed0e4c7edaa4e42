package explain

import (
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

const rules = `
inputs: {default: {kind: http}}
rules:
  - {id: other, match: {type: [cpu], source: [lab]}, do: [{action: page}]}
  - {id: off, match: {type: [cpu]}, mode: off, do: [{action: page}]}
  - {id: plain, match: {type: [cpu]}, when: signal.data.value > 90.0, key: signal.subject, do: [{action: page}], verify: {when: signal.data.value < 10.0, within: 5m, else: [{action: page}]}}
  - id: twice
    match: {type: [cpu]}
    when: signal.data.value > 50.0
    until: signal.data.value < 20.0
    key: signal.subject
    window: {count: 2, within: 5m}
    do: [{action: page}]
    undo: [{action: page}]
  - {id: many, match: {type: [cpu]}, when: signal.data.value > 90.0, key: signal.subject, group: {by: signal.source, wait: 30s}, do: [{action: page}]}
actions: {page: {to: output, effect: native, output: "page/{{ key }}", value: "{{ phase }}"}}
`

func explainer(t *testing.T) *Explainer {
	t.Helper()
	cfg, err := rule.Parse("loop.yaml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := rule.Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b, err := rule.Load(packed)
	if err != nil {
		t.Fatal(err)
	}
	x, err := New(b)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func play(t *testing.T, x *Explainer, minute int, value string) Signal {
	t.Helper()
	at := backtest.Epoch.Add(time.Duration(minute) * time.Minute)
	s, err := x.Explain(t.Context(), backtest.Record{At: at, Signal: fmt.Appendf(nil,
		`{"specversion":"1.0","type":"cpu","source":"shop","id":"%d","subject":"a","time":%q,"data":{"value":%s}}`, minute, at.Format(time.RFC3339), value)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryRuleSaysWhatItMadeOfASignal(t *testing.T) {
	t.Parallel()
	x := explainer(t)
	s := play(t, x, 0, "60")
	other, off, plain, twice := s.Rules[0], s.Rules[1], s.Rules[2], s.Rules[3]
	if other.Mismatch == nil || other.Mismatch.Field != "source" || other.Mismatch.Got != `"shop"` || other.When != nil {
		t.Errorf("other: %+v", other)
	}
	if !off.Off {
		t.Errorf("off: %+v", off)
	}
	if plain.Mismatch != nil || plain.When.Value != "false" || plain.When.Inputs[0] != (rule.Input{Name: "signal.data.value", Value: "60"}) || plain.Would != nil {
		t.Errorf("plain: %+v", plain)
	}
	// The first of two: the window holds it, and what would land is shown.
	if w := twice.Window; twice.Key.Value != "a" || len(w.Entries) != 1 || w.Open || twice.Decisions != nil || twice.Would[0].Output.Key != "page/a" || twice.Until.Value != "false" {
		t.Errorf("twice: %+v", twice)
	}
	twice = play(t, x, 1, "95").Rules[3]
	if !twice.Window.Open || len(twice.Window.Entries) != 2 || twice.Decisions[0].Phase != loop.PhaseDo || twice.Would != nil {
		t.Errorf("twice, open: %+v", twice)
	}
	twice = play(t, x, 2, "10").Rules[3]
	if late := play(t, explainer(t), 0, "60"); len(late.Rules[3].Window.Entries) != 1 {
		t.Errorf("another one knows of it: %+v", late.Rules[3].Window)
	}
	if twice.Window.Open || !twice.Window.Entries[2].Clears || twice.Decisions[0].Phase != loop.PhaseUndo {
		t.Errorf("twice, closed: %+v", twice)
	}
}

func TestAWindowIsNoLongerThanItIs(t *testing.T) {
	t.Parallel()
	x := explainer(t)
	play(t, x, 0, "60")
	if w := play(t, x, 5, "60").Rules[3].Window; len(w.Entries) != 1 || w.Open {
		t.Errorf("%+v", w)
	}
}

func TestWhatFailsIsSaid(t *testing.T) {
	t.Parallel()
	x := explainer(t)
	s := play(t, x, 0, `"much"`)
	if r := s.Rules[2]; r.Error == "" || r.When.Value != "failed" || r.When.Inputs[0].Value != `"much"` {
		t.Errorf("%+v", r)
	}
	refused, err := x.Explain(t.Context(), backtest.Record{Signal: []byte(`{"type":"cpu"}`), At: backtest.Epoch})
	if err != nil || refused.Refused == nil || refused.Refused.Code != loop.CodeInvalidEvent {
		t.Errorf("%+v %v", refused, err)
	}
}

func TestWhatWouldShowThatADoHasWorkedIsExplained(t *testing.T) {
	t.Parallel()
	x := explainer(t)
	bad, good := play(t, x, 0, "95").Rules[2], play(t, x, 1, "5").Rules[2]
	if bad.Verify == nil || bad.Verify.Value != "false" || good.Verify.Value != "true" || len(good.Verify.Inputs) != 1 {
		t.Errorf("%+v, then %+v", bad.Verify, good.Verify)
	}
	if failed := play(t, x, 2, `"high"`).Rules[2]; failed.Verify != nil || failed.Error == "" {
		t.Errorf("%+v", failed)
	}
}
