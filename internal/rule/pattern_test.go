package rule

import (
	"encoding/json"
	"strconv"
	"testing"

	"example.com/unbroken/internal/loop"
)

const patternSignal = `{"specversion":"1.0","id":"1","source":"shop/checkout","type":"t","subject":"order.png","region":"eu","n":5,
	"flag":true,"data":{"state":"running","empty":"","none":null,"count":7,"rate":3.0e2,"on":false,"list":["a","b"],
	"nested":{"deep":{"x":1}},"items":[{"name":"p","qty":1},{"name":"q","qty":9}],"nothing":[],"we ird*":"w","dup":1,"dup":2,"matrix":[["m"]]}}`

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		match string
		want  bool
	}{
		{`{}`, true},
		{`{"source":["shop/checkout"]}`, true},
		{`{"source":["x","shop/checkout"]}`, true},
		{`{"source":["shop"]}`, false},
		{`{"source":["shop/checkout"],"subject":["x"]}`, false}, // fields are and
		{`{"source":[{"prefix":"shop/"}]}`, true},
		{`{"source":[{"prefix":"checkout"}]}`, false},
		{`{"subject":[{"suffix":".png"}]}`, true},
		{`{"subject":[{"suffix":"order"}]}`, false},
		{`{"region":["eu"]}`, true}, // an extension
		{`{"n":[5]}`, true},
		{`{"flag":[true]}`, true},
		{`{"flag":["true"]}`, false}, // no conversion
		{`{"id":[1]}`, false},
		{`{"dataschema":[{"exists":false}]}`, true},
		{`{"dataschema":[{"exists":true}]}`, false},
		{`{"data.state":["running"]}`, true},
		{`{"data.state":[{"anything-but":"running"}]}`, false},
		{`{"data.state":[{"anything-but":["stopped","failed"]}]}`, true},
		{`{"data.state":[{"anything-but":["stopped","running"]}]}`, false},
		{`{"data.state":[{"anything-but":{"prefix":"run"}}]}`, false},
		{`{"data.state":[{"anything-but":{"suffix":"x"}}]}`, true},
		{`{"data.missing":[{"anything-but":"x"}]}`, false}, // it must be there
		{`{"data.count":[{"anything-but":[7,8]}]}`, false},
		{`{"data.count":[{"anything-but":8}]}`, true},
		{`{"data.nested":[{"anything-but":8}]}`, false}, // leaves only
		{`{"data.empty":[""]}`, true},
		{`{"data.none":[null]}`, true},
		{`{"data.missing":[null]}`, false},
		{`{"data.none":[{"exists":true}]}`, true},
		{`{"data.count":[7]}`, true},
		{`{"data.count":["7"]}`, false},
		{`{"data.rate":[300]}`, true}, // by value
		{`{"data.on":[false]}`, true},
		{`{"data.on":[true]}`, false},
		{`{"data.count":[{"numeric":[">",5]}]}`, true},
		{`{"data.count":[{"numeric":[">",7]}]}`, false},
		{`{"data.count":[{"numeric":[">=",7]}]}`, true},
		{`{"data.count":[{"numeric":["<",7]}]}`, false},
		{`{"data.count":[{"numeric":["<=",7]}]}`, true},
		{`{"data.count":[{"numeric":["=",7]}]}`, true},
		{`{"data.count":[{"numeric":[">",5,"<=",10]}]}`, true},
		{`{"data.count":[{"numeric":[">",5,"<",7]}]}`, false},
		{`{"data.state":[{"numeric":[">",0]}]}`, false},
		{`{"data.count":[{"numeric":[">",100]},7]}`, true}, // values are or
		{`{"data.list":["b"]}`, true},
		{`{"data.list":["c"]}`, false},
		{`{"data.list":[{"exists":true}]}`, true},
		{`{"data.list":[{"exists":false}]}`, false},
		{`{"data.nothing":[{"exists":true}]}`, false},
		{`{"data.nothing":[{"exists":false}]}`, true},
		{`{"data.nested":[{"exists":true}]}`, false}, // leaves only
		{`{"data.nested.deep.x":[1]}`, true},
		{`{"data.nested.deep.x":[{"exists":true}]}`, true},
		{`{"data.nested.no.x":[{"exists":false}]}`, true},
		{`{"data.nested.deep.x.y":[1]}`, false},
		{`{"data.items.name":["q"]}`, true},
		{`{"data.items.name":["r"]}`, false},
		{`{"data.items.qty":[{"numeric":[">",8]}]}`, true},
		{`{"data.items.none":[{"exists":false}]}`, true},
		{`{"data.items.name":[{"exists":false}]}`, false},
		{`{"data.we ird*":["w"]}`, true}, // gjson would read this name as a wildcard
		{`{"data.*":["running"]}`, false},
		{`{"data.matrix":["m"]}`, false}, // one level of array, so that [[[[… costs nothing
		{`{"data.dup":[1]}`, true},       // the first of two
	} {
		t.Run(c.match, func(t *testing.T) {
			t.Parallel()
			var match map[string][]any
			if err := json.Unmarshal([]byte(c.match), &match); err != nil {
				t.Fatal(err)
			}
			match["type"] = []any{"t"}
			p, err := compilePattern(match)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.matches(NewEvent([]byte(patternSignal), acceptedAt)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPatternRefusesWhatItWouldMisread(t *testing.T) {
	t.Parallel()
	many := make([]any, maxPatternValues+1)
	for i := range many {
		many[i] = "x"
	}
	manyFields := map[string][]any{"type": {"t"}}
	for i := range maxPatternFields {
		manyFields["x"+strconv.Itoa(i)] = []any{"x"}
	}
	for name, match := range map[string]map[string][]any{
		"no type":              {"source": {"a"}},
		"type suffix":          {"type": {map[string]any{"suffix": "x"}}},
		"type anything-but":    {"type": {map[string]any{"anything-but": "x"}}},
		"type number":          {"type": {1.0}},
		"empty list":           {"type": {"t"}, "source": {}},
		"wildcard":             {"type": {"t"}, "source": {map[string]any{"wildcard": "a*"}}},
		"two keys":             {"type": {"t"}, "source": {map[string]any{"prefix": "a", "suffix": "b"}}},
		"prefix number":        {"type": {"t"}, "source": {map[string]any{"prefix": 1.0}}},
		"exists text":          {"type": {"t"}, "source": {map[string]any{"exists": "yes"}}},
		"numeric one":          {"type": {"t"}, "data.x": {map[string]any{"numeric": []any{">"}}}},
		"numeric op":           {"type": {"t"}, "data.x": {map[string]any{"numeric": []any{"!=", 1.0}}}},
		"numeric text":         {"type": {"t"}, "data.x": {map[string]any{"numeric": []any{">", "1"}}}},
		"anything-but nothing": {"type": {"t"}, "data.x": {map[string]any{"anything-but": []any{}}}},
		"anything-but exists":  {"type": {"t"}, "data.x": {map[string]any{"anything-but": map[string]any{"exists": true}}}},
		"nested list":          {"type": {"t"}, "data.x": {[]any{1.0}}},
		"below source":         {"type": {"t"}, "source.x": {1.0}},
		"empty name":           {"type": {"t"}, "data..x": {1.0}},
		"too deep":             {"type": {"t"}, "data.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a": {1.0}},
		"too many":             {"type": {"t"}, "source": many},
		"too many fields":      manyFields,
	} {
		if _, err := compilePattern(match); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCandidatesKeepTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	rule := func(id, mode string, types ...any) loop.Rule {
		return loop.Rule{ID: id, Mode: mode, Match: map[string][]any{"type": types}}
	}
	set, err := Compile(&loop.Config{Rules: []loop.Rule{
		rule("a", "enforce", "x"),
		rule("b", "enforce", map[string]any{"prefix": "x"}),
		rule("c", "off", "x"),
		rule("d", "enforce", "x", "x", "y", map[string]any{"prefix": "x"}),
		rule("e", "enforce", "y"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for typ, want := range map[string]string{"x": "abd", "y": "de", "xz": "bd", "z": "", "": ""} {
		got := ""
		for _, p := range set.Candidates(typ) {
			got += p.Rule().ID
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", typ, got, want)
		}
	}
	if _, ok := set.Program("c"); ok {
		t.Error("a rule that is off is found")
	}
	if p, ok := set.Program("d"); !ok || p.Rule().ID != "d" {
		t.Error("rule d is not found")
	}
}

func TestCompileRefusesWhatParseWould(t *testing.T) {
	t.Parallel()
	match := map[string][]any{"type": {"t"}}
	for name, cfg := range map[string]*loop.Config{
		"pattern":   {Rules: []loop.Rule{{ID: "a"}}},
		"duplicate": {Rules: []loop.Rule{{ID: "a", Match: match}, {ID: "a", Match: match}}},
		"action":    {Rules: []loop.Rule{{ID: "a", Match: match, Undo: []loop.Step{{Action: "x"}}}}},
	} {
		if _, err := Compile(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
