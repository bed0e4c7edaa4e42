package rule

import (
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

const fallbackRules = `
inputs: {default: {kind: http}}
rules:
  - {id: r, match: {type: [t]}, do: [{step: s, action: first, with: {level: high}}]}
actions:
  first:  {to: webhook, url: "https://a.example.com", body: {level: "{{ with.level }}"}, retry: {base: 2s, cap: 1m}, fallback: second}
  second: {to: webhook, url: "https://b.example.com", body: {level: "{{ with.level }}"}, expire_after: 1h, fallback: third}
  third:  {to: sqs, queue: "arn:aws:sqs:us-east-2:123456789012:last", message: "{{ with.level }}"}
`

func TestAFallbackIsRenderedWithItsEffect(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("loop.yaml", []byte(fallbackRules))
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ev := NewEvent([]byte(`{"specversion":"1.0","type":"t","source":"s","id":"1"}`), time.Unix(0, 0))
	p := set.Candidates("t")[0]
	effects, err := p.Render(ev, RenderInput{Phase: loop.PhaseDo})
	if err != nil || len(effects) != 1 {
		t.Fatal(effects, err)
	}
	first := effects[0]
	second := first.Fallback
	third := second.Fallback
	if first.Backoff != (loop.Backoff{Base: loop.Duration(2 * time.Second), Cap: loop.Duration(time.Minute)}) || second.Backoff != (loop.Backoff{}) {
		t.Errorf("backoff %+v, %+v", first.Backoff, second.Backoff)
	}
	if second.ID != loop.FallbackID(first.ID) || third.ID != loop.FallbackID(second.ID) || third.Fallback != nil {
		t.Errorf("ids %s, %s, %s", first.ID, second.ID, third.ID)
	}
	if second.Action != "second" || second.Request.URL != "https://b.example.com" || second.ExpireAfter != loop.Duration(time.Hour) || second.DecisionID != first.DecisionID {
		t.Errorf("second: %+v", second)
	}
	if third.Class != loop.ClassOnce || third.Request.Body != "high" || first.Request.Body != `{"level":"high"}` {
		t.Errorf("third: %+v %+v", third, third.Request)
	}
}

func TestRetryAndFallbackAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ change, to, want string }{
		"unknown":           {"fallback: third", "fallback: theird", "did you mean third?"},
		"circle":            {"message:", "fallback: first, message:", "goes round in a circle: first → second → third → first"},
		"another's":         {`third:  {to: sqs, queue: "arn:aws:sqs:us-east-2:123456789012:last", message: "{{ with.level }}"}`, `third: {to: ssm, parameter: /shop/x, value: "1"}`, "third is set"},
		"cap below base":    {"cap: 1m", "cap: 1s", "1s is less than the base"},
		"cap beyond all":    {"cap: 1m", "cap: 2d", "at most 12h"},
		"no time":           {"base: 2s, cap: 1m", "base: 1h, cap: 2h", "there is no second attempt"},
		"loop":              {"base: 2s", "base: 1ms", "at least 100ms"},
		"unknown retry key": {"base: 2s", "bse: 2s", "did you mean base?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := strings.Replace(fallbackRules, c.change, c.to, 1)
			if src == fallbackRules {
				t.Fatal("the change changes nothing")
			}
			if _, err := Parse("loop.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
