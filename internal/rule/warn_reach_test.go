package rule

import (
	"fmt"
	"strings"
	"testing"
)

func warnings(t *testing.T, rules string) string {
	t.Helper()
	cfg, err := Parse("loop.yaml", fmt.Appendf(nil, `
inputs: {default: {kind: http}}
rules: [%s]
actions:
  a: {to: output, effect: native, output: "o", value: 1}
  in: {to: webhook, url: "https://loop.example.com/v1/signals/default"}
`, rules))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range Warnings(cfg) {
		all = append(all, p.String())
	}
	return strings.Join(all, "\n")
}

func TestRulesThatCanNeverDecideAreWarnedOf(t *testing.T) {
	t.Parallel()
	const windowed = `{id: r, match: {type: [t]}, when: signal.data.x > 1, until: %s, key: signal.subject, window: {count: 1, within: 5m}, do: [{action: a}]}`
	for rule, want := range map[string]string{
		`{id: r, match: {type: [t]}, when: "1 > 2", do: [{action: a}]}`:                                   "rules[0].when: never holds",
		`{id: r, match: {type: [t]}, when: 'rule == "r"', do: [{action: a}]}`:                             "",
		`{id: r, match: {type: [t]}, when: "1 < 2", do: [{action: a}]}`:                                   "",
		`{id: r, match: {type: [t]}, when: signal.data.x > 1, do: [{action: a}]}`:                         "",
		fmt.Sprintf(windowed, `"false"`):                                                                  "rules[0].until: never holds",
		fmt.Sprintf(windowed, "signal.data.x < 1"):                                                        "",
		`{id: r, match: {type: [t], data: {x: [{numeric: [">", 5, "<", 5]}]}}, do: [{action: a}]}`:        "rules[0].match.data.x: no number is in the range",
		`{id: r, match: {type: [t], data: {x: [{numeric: [">", 9, "<", 5]}, 7]}}, do: [{action: a}]}`:     "",
		`{id: r, match: {type: [t], data: {x: [{numeric: [">", 5, "<", 6]}]}}, do: [{action: a}]}`:        "",
		`{id: r, match: {type: [t], data: {x: [{numeric: [">=", 5, "<=", 5]}]}}, do: [{action: a}]}`:      "",
		`{id: r, match: {type: [t], data: {x: [{numeric: ["=", 5, "=", 6]}]}}, do: [{action: a}]}`:        "rules[0].match.data.x: no number is in the range",
		`{id: r, match: {type: [unbroken.effect.dnoe], data: {rule: [x]}}, do: [{action: a}]}`:            `rules[0].match.type: the loop sends no signals of type "unbroken.effect.dnoe": rule r does not see one (did you mean unbroken.effect.done?)`,
		`{id: r, match: {type: [unbroken.health.drainde]}, do: [{action: a}]}`:                            `"unbroken.health.drainde": rule r does not see one (did you mean unbroken.health.drained?)`,
		`{id: r, match: {type: [com.example.x, unbroken.input.stalledd]}, do: [{action: a}]}`:             `(did you mean unbroken.input.stalled?)`,
		`{id: r, match: {type: [{prefix: unbroken.helth.}]}, do: [{action: a}]}`:                          `the loop sends no signals of type "unbroken.helth.": rule r sees one only where a producer sends it (did you mean unbroken.health.?)`,
		`{id: r, match: {type: [{prefix: unbroken.health.}, {prefix: unbroken.}]}, do: [{action: a}]}`:    "",
		`{id: r, match: {type: [unbroken.health.bad, unbroken.input.recovered]}, do: [{action: a}]}`:      "",
		`{id: r, match: {type: [unbroken.timer.absent]}, do: [{action: a}]}`:                              `(no rule sees timers and canaries)`,
		`{id: r, match: {type: [unbroken.drill]}, do: [{action: a}]}`:                                     `"unbroken.drill": rule r sees one only where a producer sends it`, // as unbroken drill does
		`{id: r, match: {type: [unbrokenly.odd]}, do: [{action: a}]}`:                                     "",
		`{id: r, match: {type: [unbroken.effect.parked], data: {rule: [x]}}, do: [{action: a}]}`:          "",
		`{id: r, match: {type: [unbroken.effect.dnoe], data: {rule: [x]}}, mode: off, do: [{action: a}]}`: "rule r is off",
	} {
		got := warnings(t, rule)
		relevant := strings.Contains(got, "never holds") || strings.Contains(got, "no number") || strings.Contains(got, "the loop sends no")
		if !strings.Contains(got, want) || want == "" && relevant {
			t.Errorf("%s: %q, want %q", rule, got, want)
		}
	}
}

func TestRulesThatFeedThemselvesAreWarnedOf(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string]string{
		`{id: r, match: {type: [{prefix: unbroken.effect.}]}, do: [{action: a}]}`:                                                                                                    "rules[0].match: rule r feeds itself: it matches the outcomes of its own effects (add data: {rule: [{anything-but: r}]})",
		`{id: r, match: {type: [unbroken.effect.done], data: {rule: [{anything-but: r}]}}, do: [{action: a}]}`:                                                                       "",
		`{id: r, match: {type: [unbroken.effect.done], data: {action: [other]}}, do: [{action: a}]}`:                                                                                 "",
		`{id: r, match: {type: [unbroken.effect.done], data: {key: [x]}}, do: [{action: a}]}`:                                                                                        "feeds itself", // any key may be x
		`{id: r, match: {type: [unbroken.effect.done], source: [{prefix: shop/}]}, do: [{action: a}]}`:                                                                               "",
		`{id: r, match: {type: [unbroken.effect.done], data: {status: [parked]}}, do: [{action: a}]}`:                                                                                "",
		`{id: r, match: {type: [t]}, do: [{action: a}]}`:                                                                                                                             "",
		`{id: r, match: {type: [{prefix: unbroken.effect.}]}, mode: off, do: [{action: a}]}`:                                                                                         "",
		`{id: r, match: {type: [unbroken.effect.done], data: {rule: [q]}}, do: [{action: a}]}, {id: q, match: {type: [unbroken.effect.done], data: {rule: [r]}}, do: [{action: a}]}`: "rule r feeds itself: it matches outcomes of rules that match its own (q)",
		`{id: r, match: {type: [unbroken.effect.done], data: {rule: [q]}}, do: [{action: a}]}, {id: q, match: {type: [t]}, do: [{action: a}]}`:                                       "",
		`{id: r, match: {type: [t]}, do: [{action: in}]}`:                                                                                                                            "rules[0].do[0].action: in sends into a loop, by an API",
	} {
		got := warnings(t, rules)
		relevant := strings.Contains(got, "feeds itself") || strings.Contains(got, "into a loop")
		if !strings.Contains(got, want) || want == "" && relevant {
			t.Errorf("%s: %q, want %q", rules, got, want)
		}
	}
}
