package rule

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// dataOf is the data of a signal whose s has n bytes, each written as s is.
func dataOf(t *testing.T, s string, n int) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{"s": strings.Repeat(s, n)})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each part is within its own limit; what counts is whether the claim can hold them together.
func TestAnEffectThatNoClaimCouldHoldIsRefused(t *testing.T) {
	t.Parallel()
	both := loop.Action{To: loop.TargetWebhook, URL: "https://e.com", Body: "{{ signal.data.s }}", Output: "k", Value: "{{ signal.data.s }}"}
	plain := loop.Action{To: loop.TargetWebhook, URL: "https://e.com", Body: "{{ signal.data.s }}", Headers: map[string]string{"content-type": "text/plain"}}
	for name, c := range map[string]struct {
		action loop.Action
		data   string
		code   loop.Code
	}{
		"two of 100 KiB":             {both, dataOf(t, "x", 100<<10), ""},
		"two of 180 KiB":             {both, dataOf(t, "x", 180<<10), ""},
		"two of 200 KiB":             {both, dataOf(t, "x", 200<<10), loop.CodeTooLarge},
		"250 KiB of text":            {plain, dataOf(t, "x", 250<<10), ""},
		"250 KiB of quotes":          {plain, dataOf(t, `"`, 250<<10), loop.CodeTooLarge},
		"190 KiB of quotes":          {plain, dataOf(t, `"`, 190<<10), ""},
		"100 KiB of control letters": {plain, dataOf(t, "\x01", 100<<10), loop.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := render(t, c.action, nil, signal(c.data))
			if loop.CodeOf(err) != c.code || c.code == "" && err != nil {
				t.Fatalf("got %.300v, want %q", err, c.code)
			}
			if c.code != "" {
				if !strings.Contains(err.Error(), "reference") {
					t.Errorf("%s says not what to do", err)
				}
				return
			}
			b, err := loop.Marshal(e)
			if err != nil || len(b) > loop.MaxEffectBytes {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	}
}

// The short cut must never pass what the measure would refuse.
func TestTheEstimateIsNoLessThanTheMeasure(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"x", `"`, "\x01", "\u2028", "<", "ü"} {
		e := loop.Effect{
			ID: loop.H("e"), DecisionID: loop.H("d"), RuleID: strings.Repeat("r", 64), Key: strings.Repeat(s, 300), Phase: loop.PhaseUndo,
			Step: strings.Repeat("s", 64), Action: strings.Repeat("a", 64), SignalKey: loop.H("s"), Target: loop.TargetWebhook, Class: loop.ClassKeyed,
			Fence: loop.Fence(strings.Repeat("f", 95)), Undoes: loop.H("u"), Emit: []loop.Status{loop.StatusDone, loop.StatusParked},
			Request: &loop.Request{
				Method: "DELETE", URL: "https://e.com/" + s, Body: strings.Repeat(s, 1000), Secret: "ssm:/" + strings.Repeat("p", 500),
				Headers: map[string]string{"x": strings.Repeat(s, 100)},
			},
			Output:   &loop.OutputSpec{Key: strings.Repeat(s, 300), Value: json.RawMessage(`"v"`)},
			Fallback: &loop.Effect{Request: &loop.Request{Body: strings.Repeat(s, 1000)}},
		}
		b, err := loop.Marshal(&e)
		if err != nil || 6*rawSize(&e) < len(b) {
			t.Errorf("%q: estimated %d, measured %d, %v", s, 6*rawSize(&e), len(b), err)
		}
	}
}
