package webhook

import (
	"fmt"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// A header that the target refuses would park every effect of its action: it must be refused when the rules are
// checked, not when they fire.
func TestWhatTheTargetRefusesIsRefusedWhenRulesAreChecked(t *testing.T) {
	t.Parallel()
	const file = `
prefix: ub
regions: {loop: [us-east-2]}
inputs: {default: {kind: http, durability: regional}}
rules: [{id: r, match: {type: [t]}, do: [{step: s, action: a}]}]
actions: {a: {to: webhook, url: "https://e.com", headers: {%q: x}}}
`
	for _, name := range append(connectionHeaders(), headerIdempotency, headerID, headerTimestamp, headerSignature) {
		for _, spelt := range []string{name, strings.ToUpper(name)} {
			if _, err := build(t.Context(), "e", loop.Request{URL: "https://e.com", Headers: map[string]string{spelt: "x"}}); err == nil {
				t.Errorf("the target takes %s", spelt)
			}
			if _, err := rule.Parse("loop.yaml", fmt.Appendf(nil, file, spelt)); err == nil || !strings.Contains(err.Error(), "is set by unbroken") {
				t.Errorf("the check takes %s: %v", spelt, err)
			}
		}
	}
	if _, err := rule.Parse("loop.yaml", fmt.Appendf(nil, file, "x-team")); err != nil {
		t.Errorf("the check refuses any header: %v", err)
	}
}
