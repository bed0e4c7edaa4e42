package rule

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestWhatMayBeSentWithoutClaims(t *testing.T) {
	t.Parallel()
	const rules = `
actions:
  page: {to: webhook, url: "https://example.com/page", on_claims_outage: send, $ACTION}
rules:
  - id: r
    match: {type: [t]}
    key: signal.subject
    do: [{action: page$STEP}]
    $RULE
`
	window := "window: {count: 1, within: 5m}"
	for _, c := range []struct{ action, step, rule, want string }{
		{"", "", "", ""},
		{"horizon: 17m", "", "", ""},
		{"horizon: 16m", "", "", "actions.page.on_claims_outage: the target may forget the key"},
		{"expire_after: 24h", "", "", "less than expire_after, timeout and a minute"},
		{"effect: once", "", "", "nothing keeps two regions from doing a once effect twice"},
		{"", ", approval: required", "", "rules[0].do[0].approval: page is sent without claims, where approvals stand"},
		{"", "", window, "rules[0].do[0].action: page is sent without claims, but a rule with a window"},
		{"", "", "guard: {max_per_hour: 6}", "what guard counts stands in claims"},
		{"", "", `guard: {max_regressions: 6, worse: "true"}`, "what guard counts stands in claims"},
		{"", "", "throttle: 10m", "what throttle goes by stands in claims"},
		{"", "", window + "\n    undo: [{action: page}]", "rules[0].undo[0].action: page is sent without claims, but whether its do was done"},
	} {
		src := strings.NewReplacer("$ACTION", c.action, "$STEP", c.step, "$RULE", c.rule).Replace(rules)
		cfg, err := Parse("loop.yaml", []byte(src))
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: %v", c, err)
		case err == nil:
			packed, err := Pack(cfg)
			if err != nil {
				t.Fatal(err)
			}
			bundle, err := Load(packed)
			if err != nil {
				t.Fatal(err)
			}
			effects, err := bundle.Set.Programs()[0].Render(signal(`{}`), RenderInput{Key: "k", Phase: loop.PhaseDo})
			if err != nil || !effects[0].SendUnclaimed {
				t.Errorf("%+v: the effect does not say so: %v", c, err)
			}
		}
	}
	wrong := strings.NewReplacer("send", "sometimes", "$ACTION", "", "$STEP", "", "$RULE", "").Replace(rules)
	if _, err := Parse("loop.yaml", []byte(wrong)); err == nil || !strings.Contains(err.Error(), "on_claims_outage") {
		t.Errorf("sometimes: %v", err)
	}
	held := strings.NewReplacer("send", "hold", "$ACTION", "effect: once", "$STEP", "", "$RULE", window).Replace(rules)
	if _, err := Parse("loop.yaml", []byte(held)); err != nil {
		t.Errorf("hold: %v", err)
	}
}
