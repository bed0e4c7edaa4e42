package rule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

const grouping = `inputs: {in: {kind: http}}
actions:
  page: {to: webhook, url: "https://example.com", body: {text: "TEXT", zone: "{{ key }}"}, effect: keyed}
rules:
  - {id: zone-down, match: {type: [z]}, key: signal.subject, window: {count: 1, within: 5m}, do: [{action: page}], group: {by: "'all'", wait: 1m}}
  - id: slow
    match: {type: [t]}
    key: signal.subject
    group: {by: signal.data.zone, wait: 30s}
    do: [{action: page}]
`

func groupingFile(text string) string { return strings.Replace(grouping, "TEXT", text, 1) }

func TestGroupsAreChecked(t *testing.T) {
	t.Parallel()
	good := groupingFile("{{ signal.data.count }}: {{ signal.data.summary }}")
	if _, err := Parse("loop.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	const group = "group: {by: signal.data.zone, wait: 30s}"
	list := "[" + strings.Repeat("1, ", 300) + "1]"
	const window = "window: {count: 1, within: 5m}"
	for name, c := range map[string]struct{ old, with, want string }{
		"no by":             {group, "group: {wait: 30s}", "loop.yaml:9:12: rules[1].group: needs by"},
		"no wait":           {group, "group: {by: signal.data.zone}", "rules[1].group.wait: must be more than 0"},
		"long wait":         {group, "group: {by: signal.data.zone, wait: 8d}", "rules[1].group.wait: must be at most 7d"},
		"wrong CEL":         {group, "group: {by: signal.data., wait: 30s}", "loop.yaml:9:17: rules[1].group.by"},
		"costly":            {group, "group: {by: '" + list + ".map(a, " + list + ".map(b, a * b)) == [] ? 1 : 2', wait: 30s}", "rules[1].group.by: costs at least"},
		"unknown field":     {group, "group: {by: signal.data.zone, wiat: 30s}", "rules[1].group.wiat: unknown field (did you mean wait?)"},
		"undo":              {group, group + "\n    " + window + "\n    undo: [{action: page}]", "rules[1].undo: does not go with group"},
		"verify":            {group, group + "\n    verify: {when: signal.data.ok, within: 5m, else: [{action: page}]}", "rules[1].verify: does not go with group"},
		"a worse signal":    {group, group + "\n    guard: {max_regressions: 1, worse: signal.data.bad}", "rules[1].guard.worse: does not go with group"},
		"a key that mutes":  {group, group + "\n    inhibited_by: [{rule: zone-down, key: signal.data.zone}]", "rules[1].inhibited_by[0].key: does not go with group"},
		"without claims":    {"effect: keyed}", "effect: keyed, horizon: 24h, on_claims_outage: send}", "what a group has gathered stands in claims"},
		"silence by data":   {group, group + "\n    window: {absent: 5m}", "rules[1].group.by: signal.data.zone is not in the timer"},
		"a member's data":   {"{{ signal.data.count }}", "{{ signal.data.zone }}", "rules[1].do[0].action: signal.data.zone is not in the type unbroken.timer.group"},
		"a member's member": {"{{ signal.data.count }}", "{{ signal.data.members.map(m, m.name) }}", "signal.data.members[].name is not in the type"},
	} {
		text := strings.Replace(good, c.old, c.with, 1)
		if text == good {
			t.Errorf("%s: nothing was replaced", name)
		}
		if _, err := Parse("loop.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	for name, with := range map[string]string{
		"muted as a group":    group + "\n    inhibited_by: [{rule: zone-down}]",
		"a silence, of all":   strings.Replace(group, "signal.data.zone", "signal.subject", 1) + "\n    window: {absent: 5m}",
		"throttled, budgeted": group + "\n    throttle: 10m\n    guard: {max_per_hour: 6}",
	} {
		if _, err := Parse("loop.yaml", []byte(strings.Replace(good, group, with, 1))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// manyMembers are so many keys, each with as much as it may say.
func manyMembers(n, size int) (list []loop.Member) {
	for i := range n {
		list = append(list, loop.Member{
			Key: fmt.Sprintf("%03d%s", i, strings.Repeat("k", size)), Source: strings.Repeat("s", size), ID: strings.Repeat("\u0001", size), Time: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC),
		})
	}
	return list
}

func TestTheDecisionOfAGroupTellsOfItsMembers(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, groupingFile("{{ signal.data.summary }}: {{ signal.data.members.map(m, m.key) }}"), "slow")
	due := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	d, err := p.RenderGroup("z-1", 1767225600000, due, loop.GroupData{Count: 3, Members: manyMembers(2, 0)})
	if err != nil {
		t.Fatal(err)
	}
	e := d.Effects[0]
	if want := `{"text":"000, 001 and 1 more: [\"000\",\"001\"]","zone":"z-1"}`; e.Request.Body != want {
		t.Errorf("body %s, want %s", e.Request.Body, want)
	}
	if d.ID != loop.GroupDecisionID("slow", "z-1", 1767225600000) || e.DecisionID != d.ID || e.ID != loop.EffectID(d.ID, "page") || e.Fence != loop.EpisodeFence(1767225600000, loop.PhaseDo) {
		t.Errorf("%+v", e)
	}
	if w := d.Why; w.ID != "" || w.Source != "" || len(w.Group.Members) != 2 || w.Group.Keys != 3 || !w.Group.Until.Equal(due) {
		t.Errorf("%+v", d.Why)
	}
	full := loop.GroupData{Count: 12, Full: true, Members: manyMembers(12, 0)}
	full.Summarise()
	if want := "000, 001, 002, 003, 004, 005, 006, 007, 008, 009 and 2 more, at least"; full.Summary != want {
		t.Errorf("%s", full.Summary)
	}
}

// However much the members say, the explanation of their group has room in its claim.
func TestWhyOfAGroupIsBounded(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, groupingFile("x"), "slow")
	d, err := p.RenderGroup("z", 1, time.Unix(0, 0), loop.GroupData{Count: loop.MaxGroupKeys, Full: true, Members: manyMembers(loop.MaxGroupMembers, 40)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := loop.Marshal(d.Why)
	if err != nil || len(b) > loop.MaxWhyBytes || len(d.Why.Group.Members) == 0 {
		t.Errorf("%d bytes for %d members, %v", len(b), len(d.Why.Group.Members), err)
	}
}

func mustCompile(t *testing.T, text, id string) *Program {
	t.Helper()
	set, err := Compile(mustParse(t, text))
	if err != nil {
		t.Fatal(err)
	}
	p, ok := set.Program(id)
	if !ok {
		t.Fatal(id)
	}
	return p
}
