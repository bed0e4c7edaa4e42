package decide_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// A signal that is worse gives an effect of its own, beside what the rule does with it; copies give the same one.
func TestAWorseSignalIsHandedToActToCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	src := strings.Replace(rules, "    do: [{step: page, action: page}]", "    do: [{step: page, action: page}]\n    guard: {max_regressions: 3, worse: signal.data.value > 5.0}", 1)
	cfg, err := rule.Parse("loop.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if w.set, err = rule.Compile(cfg); err != nil {
		t.Fatal(err)
	}
	var ids [2][]string
	for i, region := range []string{"a", "b"} {
		w.decide(region, item("com.example.plain", 1, "9", false), item("com.example.plain", 2, "1", false), item("com.example.metric", 3, "9", false))
		for _, d := range w.queues.Receive(region, loop.QueueActions, 10) {
			var env loop.Envelope
			if err := json.Unmarshal(d.Body, &env); err != nil {
				t.Fatal(err)
			}
			if e := env.Items[0].Effect; e.Phase == loop.PhaseGuard {
				ids[i] = append(ids[i], e.ID+" "+e.RuleID+" "+e.Key)
			}
		}
	}
	if len(ids[0]) != 1 || ids[0][0] != ids[1][0] || !strings.HasSuffix(ids[0][0], " plain k") {
		t.Errorf("counted %q", ids)
	}
}
