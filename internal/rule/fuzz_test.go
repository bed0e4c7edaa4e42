package rule

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/cputime"
	"example.com/unbroken/internal/loop"
)

// inTime fails a fuzz input that takes more time of the processor than any input may: inputs come one after the other, and
// how long each waits for the processor is the machine's affair.
func inTime(t *testing.T, most time.Duration) {
	t.Helper()
	start := cputime.Used()
	t.Cleanup(func() {
		if took := cputime.Used() - start; took > most {
			t.Errorf("took %s", took)
		}
	})
}

// FuzzParse: no file crashes or hangs the parser, every refusal is *Errors, and what passes can be packed.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/loop.yaml", "testdata/bad.yaml"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("a: &a [x]\nb: *a\n"))
	f.Add([]byte("- - - ? : {[}]"))
	f.Add([]byte("rules: [{id: a, match: {type: [t], data: {x: [{numeric: ['>', 1]}]}}, when: 'true'}]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		inTime(t, 20*time.Second)
		cfg, err := Parse("loop.yaml", src)
		if err != nil {
			if es, ok := errors.AsType[*Errors](err); !ok || len(es.Problems) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		b, err := Pack(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(b); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzPattern: no pattern and no signal crashes, exists true and false never agree, and nothing changes a result.
func FuzzPattern(f *testing.F) {
	f.Add(`{"data.a.b":[{"numeric":[">",1]}]}`, patternSignal)
	f.Add(`{"source":[{"anything-but":["a",{"prefix":"b"}]}]}`, `{"source":["a",{"b":null}]}`)
	f.Add(`{"data":[{"exists":true}]}`, `{"data":`+strings.Repeat("[", 5000))
	f.Fuzz(func(t *testing.T, match, raw string) {
		inTime(t, 10*time.Second)
		var m map[string][]any
		if json.Unmarshal([]byte(match), &m) != nil || m == nil {
			return
		}
		m["type"] = []any{map[string]any{"prefix": ""}}
		p, err := compilePattern(m)
		if err != nil {
			return
		}
		first := p.matches(NewEvent([]byte(raw), acceptedAt))
		if p.matches(NewEvent([]byte(raw), acceptedAt)) != first {
			t.Error("two answers")
		}
		for _, fd := range p.fields {
			ev := NewEvent([]byte(raw), acceptedAt)
			v := ev.attribute(fd.attribute)
			if walk(v, fd.path, existsMatcher(true)) == walk(v, fd.path, existsMatcher(false)) {
				t.Error("it exists and does not")
			}
		}
	})
}

// FuzzCEL: no expression on no signal crashes, panics or runs away, and every failure is a typed refusal.
func FuzzCEL(f *testing.F) {
	for _, src := range []string{
		"signal.data.x > 1", "signal.data.l.all(a, signal.data.l.exists(b, a == b))", "[signal].map(a, [a] + [a]).size() == 1",
		"signal.data == {'x': 1} || signal == signal", "signal.time + duration('1h') > signal.time", "signal.data.s.matches(signal.data.s)",
		"has(signal.data.x) ? signal.data.x : signal.data['y']", "string(signal.data.x) + 'a' == b'a'", "signal.data.l[signal.data.x] in signal.data",
	} {
		f.Add(src, `{"x":1,"l":[1,2,{"a":null}],"s":"a+"}`)
	}
	f.Add("signal.data.a.b", `{"a":{"b":`)
	f.Add("signal.data", `1e999`)
	f.Fuzz(func(t *testing.T, src, data string) {
		if len(data) > 10_000 {
			return
		}
		inTime(t, 10*time.Second)
		x, err := compile(src, scopeAction, nil)
		if err != nil {
			return
		}
		_ = estimate(src)
		ev := signal(data)
		v, err := x.eval(&activation{event: ev, with: &object{raw: "{}"}})
		if err != nil {
			if code := loop.CodeOf(err); code != loop.CodeRuleFailed && code != loop.CodeRuleCost {
				t.Fatal(err)
			}
			return
		}
		if !json.Valid([]byte(ev.Raw())) {
			_, _ = appendJSON(nil, v, 0)
			return
		}
		b, err := appendJSON(nil, v, 0)
		if err == nil && !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
	})
}

// FuzzTemplate: no template and no signal crashes; a body is JSON; the host is the one that was written down.
func FuzzTemplate(f *testing.F) {
	f.Add(`a {{ signal.data.s }}`, "x\r\ny")
	f.Add(`{{ signal.data }}`, `"}}`)
	f.Add(`{{ {'b': signal.data.s, 'a': [1, 2.5, null]} }}`, "\xff\u2028")
	f.Add(`{{ "{{" }} }} {{`, "..")
	f.Add(`{{ '\'}}' + r'\' }}`, "/../@evil.com")
	f.Fuzz(func(t *testing.T, tmpl, s string) {
		inTime(t, 10*time.Second)
		data, err := json.Marshal(map[string]string{"s": s})
		if err != nil {
			return
		}
		ev := signal(string(data))
		if body, err := jsonTemplate("body", map[string]any{"b": tmpl}, scopeAction); err == nil {
			b, err := body.render(nil, &activation{event: ev, with: &object{raw: "{}"}})
			if err == nil && !json.Valid(b) {
				t.Errorf("body %q", b)
			}
		}
		const base = "https://e.com/a/"
		if u, err := urlTemplate(base + tmpl); err == nil && checkURL(base+tmpl, nil) == nil {
			got, err := u.renderString(&activation{event: ev, with: &object{raw: "{}"}})
			if err == nil && renderedPath(got) == nil {
				checkRenderedURL(t, got)
			}
		}
		h, err := textTemplate("h", tmpl, scopeAction)
		if err != nil {
			return
		}
		got, err := h.renderString(&activation{event: ev, with: &object{raw: "{}"}})
		if err == nil && headerValue(got) && strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("header %q", got)
		}
	})
}

func checkRenderedURL(t *testing.T, rendered string) {
	t.Helper()
	u, err := url.Parse(rendered)
	if err != nil {
		t.Errorf("%q: %v", rendered, err)
		return
	}
	if u.Scheme != "https" || u.Host != "e.com" || u.User != nil || !strings.HasPrefix(path.Clean(u.EscapedPath()), "/a") {
		t.Errorf("%q leads elsewhere", rendered)
	}
}
