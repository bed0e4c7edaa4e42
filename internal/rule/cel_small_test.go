package rule

import (
	"fmt"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
)

// TestWhatIsNotCountedIsCheap runs what nothing counts with the counter on, over a signal of 250 KB.
func TestWhatIsNotCountedIsCheap(t *testing.T) {
	t.Parallel()
	env, err := celEnv()
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 80_000)
	ev := signal(fmt.Sprintf(`{"s":%q,"o":{%q:1,"s":%q},"l":[%s1]}`, big, big, big, strings.Repeat("1,", 20_000)))
	long := strings.Repeat("x", maxExprBytes-100)
	for _, c := range []struct {
		src  string
		want bool
	}{
		{"signal.data.s > 5", true},
		{"signal.data.s == '" + long + "'", true},
		{"'" + long + "' <= signal.data.s", true},
		{"signal.data.s in ['a', '" + long + "']", true},
		{"signal.data.s in [" + strings.Repeat("1,", 1500) + "1]", true},
		{"signal.data.s.startsWith('" + long + "')", true},
		{"signal.data.s.endsWith('" + long + "')", true},
		{"has(signal.data.o.s) && !(signal.data['s'] == 'x') || signal.data.l[2] * 2.0 - 1.0 / 3.0 > -1.5", true},
		{"signal.data.s == 'x' ? [1, 2] : [3]", true},
		{strings.TrimSuffix(strings.Repeat("signal.data.s!=1&&", 200), "&&"), true},

		{"signal.data.s == signal.data.s", false},
		{"signal.data.s < signal.data.o.s", false},
		{"[signal.data.s] == [signal.data.s]", false},
		{"signal.data.s + 'x' == 'x'", false},
		{"1 in signal.data.l", false},
		{"signal.data.s in [signal.data.s]", false},
		{"signal.data.s.startsWith(signal.data.s)", false},
		{"signal.data.s.endsWith(signal.data.s)", false},
		{"signal.data.s.contains('x')", false},
		{"signal.data.s.matches('x*')", false},
		{"size(signal.data.l) > 5", false},
		{"string(signal.data.s) == 'x'", false},
		{"(signal.data.s + 'x').startsWith('x')", false},
		{"signal.data.o[signal.data.s] == 1", false},
		{"signal.data.l.all(x, x == 1)", false},
		{"{'a': signal.data.s} == {}", false},
		{"!(signal.data.s + signal.data.s == 'x')", false},
	} {
		name := oneLine(c.src)
		checked, issues := check(env, c.src)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		if got := small(checked.NativeRep().Expr()); got != c.want {
			t.Errorf("%s: small is %v", name, got)
		}
		if !c.want {
			continue
		}
		p, err := env.Program(checked, cel.CostTracking(sizedCost{}))
		if err != nil {
			t.Fatal(err)
		}
		_, details, _ := p.Eval(&activation{event: ev}) // what it gives is not asked here
		if cost := details.ActualCost(); cost == nil || *cost > costLimit/10 {
			t.Errorf("%s costs %d", name, *cost)
		}
	}
}
