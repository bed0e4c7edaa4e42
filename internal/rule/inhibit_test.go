package rule

import (
	"fmt"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

const muting = `inputs: {in: {kind: http}}
actions: {a: {to: output, output: "{{ rule }}/{{ key }}"}}
rules:
  - {id: host-down, match: {type: [h]}, key: signal.subject, window: {count: 1, within: 5m}, mode: MODE, do: [{action: a}], inhibited_by: BACK}
  - {id: plain, match: {type: [p]}, do: [{action: a}]}
  - id: slow
    match: {type: [t]}
    key: signal.subject
    do: [{action: a}]
    inhibited_by: BY
`

func mutingFile(by string) string {
	return strings.NewReplacer("BY", by, "BACK", "[]", "MODE", "enforce").Replace(muting)
}

func TestInhibitorsAreChecked(t *testing.T) {
	t.Parallel()
	const at = "rules[2].inhibited_by"
	for by, want := range map[string]string{
		"[{key: signal.subject}]":                                at + "[0]: rule is required",
		"[{rule: host-dwon}]":                                    at + `[0].rule: no rule has the id "host-dwon"`,
		"[{rule: slow}]":                                         at + "[0].rule: a rule cannot mute itself",
		"[{rule: plain}]":                                        at + "[0].rule: plain has no window",
		"[{rule: host-down, key: signal.data.}]":                 at + "[0].key",
		"[{rule: host-down, keys: x}]":                           at + "[0].keys: unknown field",
		"[" + strings.Repeat("{rule: host-down}, ", 5) + "]":     at + ": 5 rules; at most 4 may mute one",
		"[{rule: host-down, key: 'signal.data.x.filter(y, 1)'}]": at + "[0].key",
	} {
		if _, err := Parse("loop.yaml", []byte(mutingFile(by))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", by, err, want)
		}
	}
	both := strings.NewReplacer("BY", "[{rule: host-down}]", "BACK", "[{rule: slow}]", "MODE", "enforce", "    do: [{action: a}]\n", "    do: [{action: a}]\n    window: {count: 1, within: 5m}\n").Replace(muting)
	if _, err := Parse("loop.yaml", []byte(both)); err == nil || !strings.Contains(err.Error(), "slow is muted by rules that it mutes itself") {
		t.Errorf("each other: %v", err)
	}
	unclaimed := strings.Replace(mutingFile("[{rule: host-down}]"), `{to: output, output: "{{ rule }}/{{ key }}"}`,
		`{to: webhook, url: "https://example.com", effect: keyed, horizon: 24h, expire_after: 15m, on_claims_outage: send}`, 1)
	if _, err := Parse("loop.yaml", []byte(unclaimed)); err == nil || !strings.Contains(err.Error(), "what mutes it stands in claims") {
		t.Errorf("without claims: %v", err)
	}
}

// An effect says which (rule, key)s mute it; a key that is not given is the rule's own.
func TestEffectsSayWhatMutesThem(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"enforce": "[{host-down k} {host-down h-1}]",
		"shadow":  "[]", "off": "[]", // they fire for nobody, and an episode that is open stays so
	} {
		cfg := mustParse(t, strings.Replace(mutingFile("[{rule: host-down}, {rule: host-down, key: signal.data.host}]"), "mode: enforce", "mode: "+mode, 1))
		packed, err := Pack(cfg)
		if err != nil {
			t.Fatal(err)
		}
		bundle, err := Load(packed)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := bundle.Set.Program("slow")
		do, err := p.Render(signal(`{"host":"h-1"}`), RenderInput{Key: "k", Phase: loop.PhaseDo})
		if err != nil || fmt.Sprint(do[0].InhibitedBy) != want {
			t.Errorf("%s: %v, %v", mode, do, err)
		}
		if down, on := bundle.Set.Program("host-down"); on && down.Inhibits() != (mode == "enforce") || p.Inhibits() {
			t.Errorf("%s: inhibits", mode)
		}
		warns := ""
		for _, w := range Warnings(cfg) {
			warns += w.String()
		}
		if strings.Contains(warns, "it mutes nothing") != (mode != "enforce") {
			t.Errorf("%s: %s", mode, warns)
		}
		if mode != "enforce" {
			continue
		}
		if _, err := p.Render(signal(`{}`), RenderInput{Key: "k", Phase: loop.PhaseDo}); loop.CodeOf(err) != loop.CodeRuleFailed || !strings.Contains(err.Error(), "inhibited_by[1].key") {
			t.Errorf("a missing field: %v", err)
		}
		if _, err := p.Render(signal(`{"host":[1]}`), RenderInput{Key: "k", Phase: loop.PhaseDo}); err == nil || !strings.Contains(err.Error(), "which is not text") {
			t.Errorf("a list: %v", err)
		}
	}
}
