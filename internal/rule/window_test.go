package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func windowProgram(t *testing.T, window string) *Program {
	t.Helper()
	src := "actions: {a: {to: output, output: k}}\nrules: [{id: r, key: signal.subject, do: [{action: a}], window: " + window + "}]"
	if !strings.Contains(window, "all:") {
		src = strings.Replace(src, "id: r,", "id: r, match: {type: [t]},", 1)
	}
	cfg, err := Parse("loop.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := Load(packed) // what runs has been through a bundle
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Set.Programs()[0]
}

func signalOf(typ, data string) *Event {
	return NewEvent([]byte(`{"id":"1","source":"s","type":"`+typ+`","subject":"k","data":`+data+`}`), acceptedAt)
}

func TestValueIsAnyNumber(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]float64{
		"signal.data.x": 2.5, "signal.data.x * 2.0": 5, "size(signal.data.list)": 3, "7u": 7, "int(signal.data.x)": 2,
		"signal.data.text == 'a' ? 1 : 0": 1,
	} {
		p := windowProgram(t, `{sum: "`+expr+`", over: 1m, above: 0}`)
		if got, err := p.Value(signalOf("t", `{"x":2.5,"list":[1,2,3],"text":"a"}`)); got != want || err != nil {
			t.Errorf("%s: got %v, %v", expr, got, err)
		}
	}
}

func TestAValueThatIsNoNumberIsRefused(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"x":"2"}`: "window.avg: gives string, not a number", `{}`: "no such key", `{"x":null}`: "not a number",
		`{"x":1e301}`: "between -1e300 and 1e300", `{"x":-1e301}`: "between",
	} {
		_, err := windowProgram(t, "{avg: signal.data.x, over: 1m, below: 0}").Value(signalOf("t", data))
		if loop.CodeOf(err) != loop.CodeRuleFailed || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", data, err, want)
		}
	}
	_, err := windowProgram(t, "{avg: signal.data.x / 0.0, over: 1m, above: 0}").Value(signalOf("t", `{"x":0}`)) // NaN
	if loop.CodeOf(err) != loop.CodeRuleFailed {
		t.Errorf("NaN: %v", err)
	}
}

// FAULTS 20: an expression of a window is bounded like `when`.
func TestAWindowsExpressionsAreBoundedByCost(t *testing.T) {
	t.Parallel()
	list := "[" + strings.Repeat("1,", 2000) + "1]"
	p := windowProgram(t, "{avg: 'size(signal.data.list.filter(a, signal.data.list.exists(b, a < b)))', over: 1m, above: 0}")
	if _, err := p.Value(signalOf("t", `{"list":`+list+`}`)); loop.CodeOf(err) != loop.CodeRuleCost {
		t.Errorf("value: %v", err)
	}
	p = windowProgram(t, "{all: [{name: a, match: {type: [t]}, when: 'signal.data.list.all(a, signal.data.list.exists(b, b > a))'}, {name: b, match: {type: [u]}}], within: 1m}")
	if _, err := p.Met(signalOf("t", `{"list":`+strings.Replace(list, "1]", "2]", 1)+`}`)); loop.CodeOf(err) != loop.CodeRuleCost {
		t.Errorf("condition: %v", err)
	}
}

func TestASignalMeetsEveryConditionThatTakesIt(t *testing.T) {
	t.Parallel()
	p := windowProgram(t, `{all: [
    {name: deploy, match: {type: [deploy, both]}},
    {name: errors, match: {type: [{prefix: bo}, metric]}, when: signal.data.x > 5},
    {name: large, match: {type: [metric], data.x: [{numeric: [">", 7]}]}}], within: 5m}`)
	for _, c := range []struct {
		typ, data string
		met       uint64
	}{
		{"deploy", "{}", 1},
		{"metric", `{"x":5}`, 0},
		{"metric", `{"x":6}`, 2},
		{"metric", `{"x":8}`, 6},
		{"both", `{"x":8}`, 3},
		{"other", `{"x":8}`, 0},
	} {
		ev := signalOf(c.typ, c.data)
		if got, err := p.Met(ev); got != c.met || err != nil {
			t.Errorf("%s %s: met %b, %v; want %b", c.typ, c.data, got, err, c.met)
		}
		// A rule that has no match of its own takes what its conditions take.
		if takes := p.Match(ev); takes != (c.typ != "other") {
			t.Errorf("%s: the rule takes it: %v", c.typ, takes)
		}
	}
	if _, err := p.Met(signalOf("metric", `{}`)); err == nil || !strings.Contains(err.Error(), "window.all.errors: ") {
		t.Errorf("a condition that fails: %v", err)
	}
}

// The threshold 0 is not the same as none, and every field of a window survives the bundle.
func TestAWindowSurvivesTheBundle(t *testing.T) {
	t.Parallel()
	w := windowProgram(t, "{rate: signal.data.x, over: 1h, below: 0, lateness: 1m, max_entries: 7}").Rule().Window
	if w.Of != loop.AggregateRate || w.Value != "signal.data.x" || w.Below == nil || *w.Below != 0 || w.Above != nil ||
		w.Over.String() != "1h0m0s" || w.Lateness.String() != "1m0s" || w.Bound() != 7 {
		t.Errorf("got %+v", w)
	}
}

// A bundle of the format before windows had kinds is still read, and means what it meant.
func TestLoadReadsTheFormatBefore(t *testing.T) {
	t.Parallel()
	config := `{"prefix":"unbroken","regions":{"loop":["us-east-2","us-west-2"],"witness":"us-east-1"},"standbyDelay":"20s","claim":"15s","inputs":{},` +
		`"rules":[{"id":"r","match":{"type":["t"]},"key":"signal.subject","window":{"count":3,"within":"5m0s","lateness":"5m0s"},"mode":"enforce","do":[{"step":"a","action":"a"}]}],` +
		`"actions":{"a":{"to":"output","effect":"native","timeout":"5s","expireAfter":"15m0s","output":"k"}}}`
	old := func(format int) []byte {
		return fmt.Appendf(nil, `{"format":%d,"hash":"%s","config":%s}`, format, bundleHash([]byte(config)), config)
	}
	b, err := Load(old(1))
	if err != nil {
		t.Fatal(err)
	}
	if w := b.Set.Programs()[0].Rule().Window; w.Count != 3 || w.Bound() != loop.DefaultMaxEntries {
		t.Errorf("got %+v", w)
	}
	if _, err := Load(old(bundleFormat + 1)); !errors.Is(err, ErrBundleFormat) {
		t.Errorf("a newer format: %v", err)
	}
	if _, err := Load(old(0)); !errors.Is(err, ErrBundleCorrupt) {
		t.Errorf("no format: %v", err)
	}
	packed, err := Pack(b.Config)
	if err != nil {
		t.Fatal(err)
	}
	var head bundleFile
	if err := json.Unmarshal(packed, &head); err != nil || head.Format != bundleFormat {
		t.Errorf("packed as format %d, %v: a reader of format 1 knows one kind of window only", head.Format, err)
	}
}
