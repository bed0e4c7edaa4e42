package backtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func decision(rule, key string, minute int, body string) Made {
	at := Epoch.Add(time.Duration(minute) * time.Minute)
	return Made{At: at, Decision: loop.Decision{
		ID: fmt.Sprint(rule, key, minute), RuleID: rule, Key: key, Phase: loop.PhaseDo, Episode: at.UnixMilli(),
		Effects: []loop.Effect{{Step: "page", Action: "page", Request: &loop.Request{Body: body}}},
	}}
}

func rulesNamed(ids ...string) *loop.Config {
	cfg := &loop.Config{}
	for _, id := range ids {
		cfg.Rules = append(cfg.Rules, loop.Rule{ID: id})
	}
	return cfg
}

func TestDecisionsArePaired(t *testing.T) {
	t.Parallel()
	d := NewDiff(rulesNamed("a", "gone"), rulesNamed("a", "fresh"), 10)
	d.Add(&Outcome{
		Made:    []Made{decision("a", "x", 1, "1"), decision("a", "x", 2, "1"), decision("a", "x", 3, "1"), decision("gone", "x", 9, "")},
		Matched: map[Place]int{{"a", 0}: 7, {"gone", 0}: 5},
	}, Outcome{
		Made:    []Made{decision("a", "x", 1, "1"), decision("a", "x", 2, "2"), decision("a", "y", 3, "1"), decision("fresh", "x", 0, "")},
		Matched: map[Place]int{{"a", 0}: 4, {"a", 1}: 4}, Late: []string{"a"}, Failed: []Failed{{Rule: "fresh"}},
	})
	d.Close()
	for rule, want := range map[string]Counts{
		"a":     {Signals: 8, Old: 3, New: 3, Same: 1, Added: 1, Removed: 1, Changed: 1, Late: 1},
		"gone":  {Signals: 5, Old: 1, Removed: 1},
		"fresh": {New: 1, Added: 1, Failed: 1},
	} {
		if got := *d.Rules[rule]; got != want {
			t.Errorf("%s: %+v, want %+v", rule, got, want)
		}
	}
	var order []string
	for _, f := range d.First {
		order = append(order, fmt.Sprint(f.Kind, " ", f.RuleID, " ", f.Key))
	}
	if got := strings.Join(order, ", "); got != "added fresh x, changed a x, removed a x, added a y, removed gone x" {
		t.Error(got)
	}
}

// A window that opens on a late signal may be decided a message later by one side.
func TestADecisionWaitsForItsLike(t *testing.T) {
	t.Parallel()
	d := NewDiff(rulesNamed("a"), rulesNamed("a"), 10)
	d.Add(&Outcome{Made: []Made{decision("a", "x", 1, "")}}, Outcome{})
	d.Add(&Outcome{}, Outcome{Made: []Made{decision("a", "x", 1, "")}})
	d.Close()
	if got := *d.Rules["a"]; got != (Counts{Old: 1, New: 1, Same: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestWhatWaitsIsBounded(t *testing.T) {
	t.Parallel()
	d := NewDiff(rulesNamed("a"), rulesNamed("a"), 3)
	for i := range 3 * unpairedMost {
		d.Add(&Outcome{Made: []Made{decision("a", "x", i, "")}}, Outcome{})
		if len(d.old.by) > unpairedMost {
			t.Fatalf("%d decisions wait", len(d.old.by))
		}
	}
	d.Close()
	if got := d.Rules["a"].Removed; got != 3*unpairedMost || len(d.First) != 3 || d.First[0].At != Epoch {
		t.Errorf("%d removed, first %v", got, d.First)
	}
}

// The copy of a signal makes the decision that the signal made.
func TestACopyIsNoDecisionMore(t *testing.T) {
	t.Parallel()
	d := NewDiff(rulesNamed("a"), rulesNamed("a"), 3)
	one := decision("a", "x", 1, "")
	d.Add(&Outcome{Made: []Made{one, one}}, Outcome{Made: []Made{one, one}})
	if got := *d.Rules["a"]; got != (Counts{Old: 1, New: 1, Same: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestSharedRulesAreThoseThatSayTheSame(t *testing.T) {
	t.Parallel()
	base := fmt.Sprintf(benchRules, "90.0")
	for name, c := range map[string]struct{ old, new, shared string }{
		"nothing differs":         {"", "", "deploy-failed errors cpu"},
		"a rule":                  {"90.0", "91.0", "deploy-failed errors"},
		"an action":               {"phase: \"{{ phase }}\"", "p: 1", "deploy-failed cpu"},
		"an action of all":        {"hooks.example.com", "hook.example.com", ""},
		"a rule is off":           {"id: cpu", "id: cpu\n    mode: off", "deploy-failed errors"},
		"something beside a rule": {"{default: {kind: http}}", "{default: {kind: queue}}", ""},
	} {
		now := config(t, strings.ReplaceAll(base, c.old, c.new))
		same, err := sharedRules(config(t, base), now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range now.Rules {
			if same[r.ID] {
				got = append(got, r.ID)
			}
		}
		if strings.Join(got, " ") != c.shared {
			t.Errorf("%s: shared %v, want %s", name, got, c.shared)
		}
	}
}

// Whatever is shared, the counts are those of two runs of one file each.
func TestSharingChangesNothing(t *testing.T) {
	t.Parallel()
	old, now := config(t, fmt.Sprintf(benchRules, "60.0")), config(t, fmt.Sprintf(benchRules, "61.0"))
	list := shuffled(t, 3000)
	source := append(List{}, list...)
	diff := NewDiff(old, now, 0)
	err := Run(t.Context(), Config{Old: old, New: now, Source: &source, Seen: func(s Step) error { diff.Add(s.Old, s.New); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	diff.Close()
	for name, cfg := range map[string]*loop.Config{"old": old, "new": now} {
		source := append(List{}, list...)
		alone := NewDiff(nil, cfg, 0)
		if err := Run(t.Context(), Config{New: cfg, Source: &source, Seen: func(s Step) error { alone.Add(nil, s.New); return nil }}); err != nil {
			t.Fatal(err)
		}
		for _, rule := range []string{"errors", "cpu"} {
			got, want := diff.Rules[rule].New, alone.Rules[rule].New
			if name == "old" {
				got = diff.Rules[rule].Old
			}
			if got != want || want == 0 {
				t.Errorf("%s: %s: %d decisions, alone %d", name, rule, got, want)
			}
		}
	}
	if c := diff.Rules["cpu"]; c.Added == 0 && c.Removed == 0 {
		t.Error("no difference: the traffic shows nothing")
	}
}
