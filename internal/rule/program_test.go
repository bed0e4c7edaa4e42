package rule

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.com/unbroken/internal/loop"
)

// program compiles one rule by itself, past Parse, so that what Parse refuses can be tried at run time too.
func program(t testing.TB, r loop.Rule, actions map[string]loop.Action) *Program {
	t.Helper()
	if r.ID == "" {
		r.ID = "r"
	}
	r.Match = map[string][]any{"type": {"t"}}
	set, err := Compile(&loop.Config{Rules: []loop.Rule{r}, Actions: actions})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := set.Program(r.ID)
	return p
}

func signal(data string) *Event {
	return NewEvent([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"sub","time":"2026-03-01T12:00:00Z","ext":"e","data":`+data+`}`), acceptedAt)
}

func TestWhen(t *testing.T) {
	t.Parallel()
	const data = `{"x":5,"f":0.25,"s":"text","b":true,"n":null,"o":{"p":1,"q":2},"l":[1,2,3],"huge":1e999,"a":1,"c":2,"d":3,"e":4,"d":9,"we ird":6}`
	for _, c := range []struct {
		when string
		want any // a bool or a loop.Code
	}{
		{"", true},
		{"signal.data.x > 4", true}, // a double and an int compare
		{"signal.data.x == 5", true},
		{"signal.data.x >= 5u", true},
		{"signal.data.f < 1", true},
		{"signal.data.x * 2.0 == 10.0", true},
		{"signal.data.x * 2 == 10", loop.CodeRuleFailed}, // arithmetic does not mix, as CEL has it
		{"signal.data.s == 'text'", true},
		{"signal.data.b", true},
		{"signal.data.n == null", true},
		{"signal.data.s", loop.CodeRuleFailed}, // dyn, and not bool
		{"signal.data.missing > 1", loop.CodeRuleFailed},
		{"has(signal.data.missing)", false},
		{"has(signal.data.x)", true},
		{"has(signal.data.n)", true},
		{"'x' in signal.data", true},
		{"'y' in signal.data", false},
		{"1 in signal.data", false},
		{"signal.data['we ird'] == 6", true},
		{"signal.data[1] == 6", loop.CodeRuleFailed},
		{"signal.data.x.y == 1", loop.CodeRuleFailed},
		{"signal.data.o.p + signal.data.o.q == 3.0", true},
		{"signal.data.o == {'p': 1, 'q': 2}", true},
		{"signal.data.o == signal.data.o", true},
		{"signal.data.o != {'p': 1}", true},
		{"size(signal.data.o) == 2", true},
		{"size(signal.data.l) == 3", true},
		{"size(signal.data.l) > 2.5", true}, // an int and a double compare
		{"signal.data.x > 1 && signal.data.a > 0 && signal.data.c > 1 && signal.data.d == 3", true}, // the first of two d, past the index
		{"{'a': 1, 'b': 2}.all(k, k != '')", true},
		{"signal.data.l[2] == 3", true},
		{"signal.data.l[3] == 3", loop.CodeRuleFailed},
		{"2 in signal.data.l", true},
		{"signal.data.l == [1, 2, 3]", true},
		{"signal.data.l + [4] == [1, 2, 3, 4]", true},
		{"signal.data.l.exists(i, i == 3)", true},
		{"signal.data.o.all(k, signal.data.o[k] > 0)", true},
		{"type(signal.data.o) == map && type(signal.data.l) == list", true},
		{"signal.data.huge > 1", loop.CodeRuleFailed},
		{"signal.data.x > 1 && signal.data.a > 0 && signal.data.c > 1 && signal.data.d > 2 && signal.data.e > 3 && signal.data.x < 6", true}, // past the index
		{"signal.id == '1' && signal.source == 's' && signal.type == 't' && signal.subject == 'sub' && signal.ext == 'e'", true},
		{"signal.time == timestamp('2026-03-01T12:00:00Z')", true},
		{"signal.id + signal.source + signal.type + signal.subject != '' && signal.time.getFullYear() == 2026", true}, // time past the index
		{"signal.time.getHours() == 12", true},
		{"has(signal.dataschema)", false},
		{"signal.dataschema == 'x'", loop.CodeRuleFailed},
		{"rule == 'r'", true},
		{"signal.data.s.matches('^te.t$')", true},
		{"signal.data.s.matches(signal.data.s + '(')", loop.CodeRuleFailed},
		{"1 / 0 == 1", loop.CodeRuleFailed},
		{"int(signal.data.s) == 1", loop.CodeRuleFailed},
	} {
		t.Run(c.when, func(t *testing.T) {
			t.Parallel()
			got, err := program(t, loop.Rule{When: c.when}, nil).When(signal(data))
			if code, fails := c.want.(loop.Code); fails {
				if loop.CodeOf(err) != code {
					t.Errorf("got %v, %v; want %s", got, err, code)
				}
			} else if err != nil || got != c.want {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestMissingTimeIsAcceptedAt(t *testing.T) {
	t.Parallel()
	ev := NewEvent([]byte(`{"id":"1","source":"s","type":"t"}`), acceptedAt)
	p := program(t, loop.Rule{When: "signal.time == timestamp('2026-03-01T12:00:01Z') && !has(signal.data)"}, nil)
	if holds, err := p.When(ev); err != nil || !holds {
		t.Errorf("got %v, %v", holds, err)
	}
	if !ev.Position().Time.Equal(acceptedAt) {
		t.Errorf("position %v", ev.Position())
	}
}

func TestCostIsLimited(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 2000), ",") + "]"
	for name, when := range map[string]string{
		"loop in a loop":  "signal.data.l.all(a, signal.data.l.all(b, a == b))",
		"growing strings": "[signal.data.s].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)[0] != ''",
		"growing lists":   "[signal.data.l].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)[0] != []",
		"in in a loop":    "signal.data.l.all(a, !(2 in signal.data.l))",
		"== in a loop":    "signal.data.l.all(a, signal.data.l == signal.data.l)",
		"size in a loop":  "signal.data.l.all(a, size(signal.data.s) > 1)",
	} {
		data := `{"l":` + list + `,"s":"` + strings.Repeat("x", 100_000) + `"}`
		_, err := program(t, loop.Rule{When: when}, nil).When(signal(data))
		if loop.CodeOf(err) != loop.CodeRuleCost {
			t.Errorf("%s: got %v, want %s", name, err, loop.CodeRuleCost)
		}
	}
	if holds, err := program(t, loop.Rule{When: "signal.data.l.all(a, a == 1)"}, nil).When(signal(`{"l":` + list + `}`)); err != nil || !holds {
		t.Errorf("an honest loop: got %v, %v", holds, err)
	}
}

func TestRegexFromTheSignalIsBounded(t *testing.T) {
	t.Parallel()
	p := program(t, loop.Rule{When: "'aaaa'.matches(signal.data.re)"}, nil)
	if _, err := p.When(signal(`{"re":"(a{100}){100}"}`)); loop.CodeOf(err) != loop.CodeRuleFailed {
		t.Errorf("got %v", err)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key  string
		want any
	}{
		{"", "sub"},
		{"signal.data.s", "text"},
		{"signal.data.x", "5"},
		{"signal.data.f", "0.25"},
		{"signal.data.big", "1e+21"},
		{"signal.data.b", "true"},
		{"7", "7"},
		{"signal.time", "2026-03-01T12:00:00Z"},
		{"signal.subject + '/' + signal.data.s", "sub/text"},
		{"signal.data.n", loop.CodeRuleFailed},
		{"signal.data.l", loop.CodeRuleFailed},
		{"signal.data", loop.CodeRuleFailed},
		{"signal.data.missing", loop.CodeRuleFailed},
		{"signal.data.long", loop.CodeRuleFailed},
	} {
		data := `{"s":"text","x":5,"f":0.25,"big":1e21,"b":true,"n":null,"l":[],"long":"` + strings.Repeat("x", maxKeyBytes+1) + `"}`
		got, err := program(t, loop.Rule{Key: c.key}, nil).Key(signal(data))
		if code, fails := c.want.(loop.Code); fails {
			if loop.CodeOf(err) != code {
				t.Errorf("%s: got %q, %v; want %s", c.key, got, err, code)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.key, got, err, c.want)
		}
	}
	none := NewEvent([]byte(`{"id":"1","source":"s","type":"t"}`), acceptedAt)
	if key, err := program(t, loop.Rule{}, nil).Key(none); err != nil || key != "" {
		t.Errorf("no subject: got %q, %v", key, err)
	}
}

func TestUntilDefaultsToNotWhen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		when, until string
		x           int
		want        bool
	}{
		{"signal.data.x > 5", "", 6, false},
		{"signal.data.x > 5", "", 5, true},
		{"signal.data.x > 5", "signal.data.x < 2", 5, false},
		{"signal.data.x > 5", "signal.data.x < 2", 1, true},
		{"", "", 1, false},
	} {
		p := program(t, loop.Rule{When: c.when, Until: c.until}, nil)
		ev := signal(fmt.Sprintf(`{"x":%d}`, c.x))
		when, err := p.When(ev)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Until(ev, when); err != nil || got != c.want {
			t.Errorf("%+v: got %v, %v", c, got, err)
		}
	}
	p := program(t, loop.Rule{Until: "signal.data.y > 5"}, nil)
	if got, err := p.Until(signal(`{}`), false); loop.CodeOf(err) != loop.CodeRuleFailed || got {
		t.Errorf("an error closes nothing: got %v, %v", got, err)
	}
}

func TestExpressionsCompileOnFirstUseOnly(t *testing.T) {
	t.Parallel()
	p := program(t, loop.Rule{When: "signal.data.x > 1", Do: []loop.Step{{Action: "a"}}},
		map[string]loop.Action{"a": {To: loop.TargetOutput, Output: "k/{{ key }}"}})
	if p.when != nil || p.do != nil || p.set.actions["a"].output != nil {
		t.Fatal("compiled before use")
	}
	if _, err := p.When(signal(`{"x":2}`)); err != nil {
		t.Fatal(err)
	}
	if p.when == nil || p.do != nil {
		t.Error("a condition compiles conditions, and no steps")
	}
	before := p.when
	if _, err := p.When(signal(`{"x":2}`)); err != nil || p.when != before {
		t.Error("compiled twice")
	}
}

func TestBrokenRuleFailsTypedAtRunTime(t *testing.T) {
	t.Parallel()
	p := program(t, loop.Rule{When: "1 +", Do: []loop.Step{{Action: "a", With: map[string]any{"x": "{{ 1 + }}"}}}}, map[string]loop.Action{"a": {}})
	for range 2 {
		if _, err := p.When(signal(`{}`)); loop.CodeOf(err) != loop.CodeRuleFailed {
			t.Errorf("when: %v", err)
		}
		if _, err := p.Render(signal(`{}`), RenderInput{Phase: loop.PhaseDo}); loop.CodeOf(err) != loop.CodeRenderFailed {
			t.Errorf("render: %v", err)
		}
	}
}

type panicking struct{ matcher }

func TestPanicsBecomeRefusals(t *testing.T) {
	t.Parallel()
	p := program(t, loop.Rule{}, nil)
	p.only, p.pattern.fields = "", []field{{attribute: "id", matchers: []matcher{panicking{}}}} // a nil method: it panics when asked
	ev := signal(`{}`)
	if !p.Match(ev) {
		t.Error("a panic while matching drops the signal")
	}
	if _, err := p.When(ev); loop.CodeOf(err) != loop.CodeRulePanicked {
		t.Errorf("when: %v", err)
	}
	if _, err := p.Render(ev, RenderInput{}); loop.CodeOf(err) != loop.CodeRulePanicked {
		t.Errorf("render: %v", err)
	}
	p.set = nil
	if _, err := program(t, loop.Rule{}, nil).When(nil); loop.CodeOf(err) != loop.CodeRulePanicked {
		t.Errorf("nil event: %v", err)
	}
}

func TestProgramsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	cfg, err := ParseFile("testdata/loop.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := set.Program("checkout-errors")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				ev := NewEvent(fmt.Appendf(nil, `{"id":"%d","source":"shop/a","type":"com.example.metric","subject":"s","data":{"service":"checkout","error_rate":0.06}}`, i), acceptedAt)
				if !p.Match(ev) {
					t.Error("no match")
				}
				if holds, err := p.When(ev); err != nil || !holds {
					t.Error(holds, err)
				}
				if _, err := p.Render(ev, RenderInput{Key: "s", Phase: loop.PhaseDo, Episode: 1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestLoopsAreInterrupted(t *testing.T) {
	t.Parallel()
	x, err := compile("signal.data.l.all(a, a == 1)", scopeCondition, nil)
	if err != nil {
		t.Fatal(err)
	}
	if x.timeout != loopTimeout {
		t.Errorf("a loop has the timeout %s", x.timeout)
	}
	x.timeout = 1 // ns
	ev := signal(`{"l":[` + strings.Repeat("1,", 5000) + `1]}`)
	if _, err := x.eval(&activation{event: ev}); loop.CodeOf(err) != loop.CodeRuleCost || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}

func TestHopelessExpressionsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 400), ",") + "]"
	if err := estimate(list + ".map(a, " + list + ".map(b, a * b)) == []"); err == nil || !strings.Contains(err.Error(), "costs at least") {
		t.Errorf("got %v", err)
	}
	if err := estimate("signal.data.l.all(a, signal.data.l.all(b, a == b))"); err != nil {
		t.Errorf("what depends on the signal is not judged before it arrives: %v", err)
	}
}
