package rule

import (
	"fmt"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"pgregory.net/rapid"
)

// What is evaluated without CEL is what CEL says: drawn conditions over drawn signals, members missing, of other types
// and beside each other's names among them.
func TestQuickIsWhatCELSays(t *testing.T) {
	t.Parallel()
	env, err := celEnv()
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	member := rapid.SampledFrom([]string{"signal.data.a", "signal.data.b", "signal.data.o.a", "signal.data.o", "signal.data", "signal.subject", "signal.time", "signal.none"})
	literal := rapid.SampledFrom([]string{"1", "1.0", "-2.5", "9007199254740993", "0", `"x"`, `"1"`, `""`, "true", "null"})
	operator := rapid.SampledFrom([]string{"<", "<=", "==", "!=", ">=", ">"})
	value := rapid.SampledFrom([]string{"1", "1.5", "-2.5", "9007199254740993", "1e400", `"x"`, `"1"`, "true", "null", "[1]", `{"a":1}`, `{"a":"x"}`})
	text := func(v ref.Val) string { b, err := appendJSON(nil, v, 0); return fmt.Sprint(string(b), err) }
	rapid.Check(t, func(t *rapid.T) {
		var parts []string
		for range rapid.IntRange(1, 3).Draw(t, "comparisons") {
			parts = append(parts, member.Draw(t, "member")+" "+operator.Draw(t, "operator")+" "+literal.Draw(t, "literal"))
		}
		src := strings.Join(parts, " && ")
		if rapid.IntRange(0, 3).Draw(t, "alone") == 0 {
			src = member.Draw(t, "member")
		}
		var fields []string
		for _, name := range []string{"a", "b", "o"} {
			if rapid.Bool().Draw(t, "has "+name) {
				fields = append(fields, fmt.Sprintf("%q:%s", name, value.Draw(t, name)))
			}
		}
		raw := "{" + strings.Join(fields, ",") + "}"
		checked, issues := check(env, src)
		if issues.Err() != nil {
			t.Skip("no expression: " + src)
		}
		program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			t.Fatal(err)
		}
		slow, _, slowErr := program.Eval(&activation{event: signal(raw)})
		q := quickOf(checked.NativeRep().Expr())
		if holds, ok := q.holds(&activation{event: signal(raw)}); ok {
			known++
			if slowErr != nil || slow.Value() != holds {
				t.Fatalf("%s of %s: %v, CEL says %v, %v", src, raw, holds, slow, slowErr)
			}
		}
		if q.value == nil {
			return
		}
		if v, ok := q.value.find(&activation{event: signal(raw)}); ok {
			known++
			if slowErr != nil || text(v) != text(slow) || v.Type() != slow.Type() {
				t.Fatalf("%s of %s: %v, CEL says %v, %v", src, raw, v, slow, slowErr)
			}
		} else if slowErr == nil {
			t.Fatalf("%s of %s: nothing, CEL says %v", src, raw, slow)
		}
	})
	if known < 20 {
		t.Errorf("%d evaluations were quick", known)
	}
}

// What no double holds is an error, and CEL's to tell: alone it is no key, and compared it is nothing.
func TestANumberThatIsNoneIsNotQuick(t *testing.T) {
	t.Parallel()
	env, err := celEnv()
	if err != nil {
		t.Fatal(err)
	}
	checked, issues := check(env, "signal.data.a")
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	if v, ok := quickOf(checked.NativeRep().Expr()).value.find(&activation{event: signal(`{"a":1e400}`)}); ok {
		t.Errorf("found %v", v)
	}
}

// An ordinary condition and an ordinary key need no CEL.
func TestOrdinaryExpressionsAreQuick(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"signal.data.a > 5", `signal.data.a >= 5.5 && signal.data.o.a == "x" && signal.subject != ""`} {
		x, err := compile(src, scopeCondition, cel.BoolType)
		if err != nil || len(x.quick.all) == 0 {
			t.Errorf("%s: %+v, %v", src, x, err)
		}
	}
	if x, err := compile("signal.subject", scopeCondition, nil); err != nil || x.quick.value == nil {
		t.Errorf("%+v, %v", x, err)
	}
}

// What only CEL can say is left to it.
func TestWhatIsNotOrdinaryIsNotQuick(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		src, data string
		want      bool
	}{
		{"signal.data.a == 9007199254740993", `{"a":9007199254740992}`, true}, // CEL, too, compares as doubles
		{`signal.data.a == "x"`, `{"a":0}`, false},
		{`signal.data.a == 0`, `{"a":""}`, false},
		{`signal.data.a != 0 && signal.data.b == 1`, `{"a":"x","b":1}`, true},
		{`signal.data.b == 1 && signal.data.a > 1`, `{"b":2}`, false}, // a false one decides
	} {
		x, err := compile(c.src, scopeCondition, cel.BoolType)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.evalBool(&activation{event: signal(c.data)}); err != nil || got != c.want {
			t.Errorf("%s of %s: %v, %v", c.src, c.data, got, err)
		}
	}
}
