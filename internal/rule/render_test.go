package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func render(t testing.TB, a loop.Action, with map[string]any, ev *Event) (loop.Effect, error) {
	t.Helper()
	p := program(t, loop.Rule{Do: []loop.Step{{Step: "s", Action: "a", With: with}}}, map[string]loop.Action{"a": a})
	effects, err := p.Render(ev, RenderInput{Key: "k/1", Phase: loop.PhaseDo})
	if err != nil {
		return loop.Effect{}, err
	}
	if len(effects) != 1 {
		t.Fatalf("%d effects", len(effects))
	}
	return effects[0], nil
}

func webhook(body any) loop.Action {
	return loop.Action{To: loop.TargetWebhook, URL: "https://e.com/", Method: "POST", Body: body}
}

func TestBody(t *testing.T) {
	t.Parallel()
	const data = `{"x":5,"f":0.25,"s":"a\"b<","n":null,"o":{"b":1,"a":[true]},"l":[1,2]}`
	for _, c := range []struct {
		name, want string
		body       any
	}{
		{"a lone template keeps its type", `{"f":0.25,"l":[1,2],"n":null,"o":{"b":1,"a":[true]},"s":"a\"b\u003c","x":5}`, map[string]any{
			"x": "{{ signal.data.x }}", "f": "{{signal.data.f}}", "s": "{{ signal.data.s }}", "n": "{{ signal.data.n }}", "o": "{{ signal.data.o }}", "l": "{{ signal.data.l }}",
		}},
		{"any other string stays one", `{"a":"x=5","b":" 5","c":"a\"b\u003c!","d":"{\"b\":1,\"a\":[true]};"}`, map[string]any{
			"a": "x={{ signal.data.x }}", "b": " {{ signal.data.x }}", "c": "{{ signal.data.s }}!", "d": "{{ signal.data.o }};",
		}},
		{"constants", `[1,"two",null,true,{"z":1.5}]`, []any{1.0, "two", nil, true, map[string]any{"z": 1.5}}},
		{"maps built by CEL are sorted", `{"a":2,"b":1,"c":{"x":[],"y":null}}`, "{{ {'b': 1, 'a': 2, 'c': {'y': null, 'x': []}} }}"},
		{"members are walked in order", `["f","l","n","o","s","x"]`, "{{ signal.data.map(k, k) }}"},
		{"numbers", `[5,-5,0.1,1e+21,1e-7,123456789012345,9007199254740992,7,8]`, "{{ [5.0, -5.0, 0.1, 1e21, 1e-7, 123456789012345.0, 9007199254740992.0, 7, 8u] }}"},
		{"times", `["2026-03-01T12:00:00Z","1m30s","AQI="]`, "{{ [signal.time, duration('90s'), b'\\x01\\x02'] }}"},
		{"a text is a JSON string", `"x 5"`, "x {{ signal.data.x }}"},
		{"literal braces", `"a {{ b }}"`, `a {{ "{{" }} b }}`},
		{"braces in an expression", `"}}1"`, `{{ "}}" }}{{ {"a": {"b": 1}}.a.b }}`},
		{"context", `["r","k/1","do",0,"high"]`, []any{"{{ rule }}", "{{ key }}", "{{ phase }}", "{{ episode }}", "{{ with.level }}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, err := render(t, webhook(c.body), map[string]any{"level": "high"}, signal(data))
			if err != nil {
				t.Fatal(err)
			}
			if e.Request.Body != c.want {
				t.Errorf("got  %s\nwant %s", e.Request.Body, c.want)
			}
			if !json.Valid([]byte(e.Request.Body)) {
				t.Error("not JSON")
			}
		})
	}
}

func TestTextBodyIsSentAsIs(t *testing.T) {
	t.Parallel()
	a := webhook(`x="{{ signal.data.x }}"`)
	a.Headers = map[string]string{"Content-Type": "text/plain"}
	e, err := render(t, a, nil, signal(`{"x":5}`))
	if err != nil || e.Request.Body != `x="5"` || e.Request.Headers["content-type"] != "text/plain" || len(e.Request.Headers) != 1 {
		t.Errorf("got %+v, %v", e.Request, err)
	}
}

func TestDefaultBodyHoldsDecisionAndSignal(t *testing.T) {
	t.Parallel()
	ev := signal(`{"x":5}`)
	e, err := render(t, webhook(nil), map[string]any{"n": "{{ signal.data.x }}"}, ev)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"effect":"` + e.ID + `","decision":"` + e.DecisionID + `","rule":"r","key":"k/1","phase":"do","step":"s","episode":0,"with":{"n":5},"signal":` + ev.Raw() + `}`
	if e.Request.Body != want {
		t.Errorf("got  %s\nwant %s", e.Request.Body, want)
	}
	if e.Request.Headers["content-type"] != "application/json" {
		t.Errorf("headers %v", e.Request.Headers)
	}
}

func TestURLTemplatesStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, s, want string }{
		{"https://e.com/a/{{ signal.data.s }}/b?q={{ signal.data.s }}", "x/../y?z=1&w #é", "https://e.com/a/x%2F..%2Fy%3Fz=1&w%20%23%C3%A9/b?q=x%2F..%2Fy%3Fz%3D1%26w+%23%C3%A9"},
		{"https://e.com/{{ signal.data.s }}", "@evil.com", "https://e.com/@evil.com"},
		{"https://e.com/{{ signal.data.s }}", "//evil.com/", "https://e.com/%2F%2Fevil.com%2F"},
		{"https://e.com?q={{ signal.data.s }}", "a\r\nHost: b", "https://e.com?q=a%0D%0AHost%3A+b"},
		{"https://e.com/v{{ signal.data.s }}", "..", "https://e.com/v.."},
		{"https://e.com/?d={{ signal.data.s }}", "..", "https://e.com/?d=.."},
	} {
		a := webhook(1.0)
		a.URL = c.url
		data, _ := json.Marshal(map[string]string{"s": c.s})
		e, err := render(t, a, nil, signal(string(data)))
		if err != nil || e.Request.URL != c.want {
			t.Errorf("%s with %q: got %+v, %v; want %s", c.url, c.s, e.Request, err, c.want)
		}
	}
}

func TestRenderRefusals(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", loop.MaxRequestBytes/2+1)
	url := func(u string) loop.Action { return loop.Action{To: loop.TargetWebhook, URL: u} }
	header := func(v string) loop.Action {
		return loop.Action{To: loop.TargetWebhook, URL: "https://e.com", Headers: map[string]string{"x": v}}
	}
	output := func(key string, value any) loop.Action {
		return loop.Action{To: loop.TargetOutput, Output: key, Value: value}
	}
	for name, c := range map[string]struct {
		action loop.Action
		data   string
		code   loop.Code
	}{
		"missing field":       {webhook("{{ signal.data.nope }}"), `{}`, loop.CodeRenderFailed},
		"null in a text":      {webhook("a {{ signal.data.n }}"), `{"n":null}`, loop.CodeRenderFailed},
		"infinite":            {webhook("{{ 1.0 / 0.0 }}"), `{}`, loop.CodeRenderFailed},
		"a type":              {webhook("{{ type(1) }}"), `{}`, loop.CodeRenderFailed},
		"ambiguous keys":      {webhook("{{ {1: 1, '1': 2} }}"), `{}`, loop.CodeRenderFailed},
		"cost":                {webhook("{{ signal.data.l.map(a, signal.data.l.map(b, b)) }}"), `{"l":[` + strings.Repeat("1,", 999) + `1]}`, loop.CodeRuleCost},
		"dot dot":             {url("https://e.com/a/{{ signal.data.s }}/b"), `{"s":".."}`, loop.CodeRenderFailed},
		"dot by parts":        {url("https://e.com/a/.{{ signal.data.s }}"), `{"s":"."}`, loop.CodeRenderFailed},
		"dot encoded":         {url("https://e.com/a/%2e{{ signal.data.s }}"), `{"s":"."}`, loop.CodeRenderFailed},
		"dot":                 {url("https://e.com/{{ signal.data.s }}?x"), `{"s":"."}`, loop.CodeRenderFailed},
		"empty segment":       {url("https://e.com/a/{{ signal.data.s }}/b"), `{"s":""}`, loop.CodeRenderFailed},
		"header break":        {header("{{ signal.data.s }}"), `{"s":"a\r\nb: c"}`, loop.CodeRenderFailed},
		"header newline":      {header("{{ signal.data.s }}"), `{"s":"a\nb"}`, loop.CodeRenderFailed},
		"header NUL":          {header("{{ signal.data.s }}"), `{"s":"a\u0000"}`, loop.CodeRenderFailed},
		"large body":          {webhook("{{ signal.data.s }}{{ signal.data.s }}"), `{"s":"` + large + `"}`, loop.CodeTooLarge},
		"large body of parts": {webhook([]any{"{{ signal.data.s }}", "{{ signal.data.s }}"}), `{"s":"` + large + `"}`, loop.CodeTooLarge},
		"large list":          {webhook("{{ [signal.data.s, signal.data.s, signal.data.s] }}"), `{"s":"` + large + `"}`, loop.CodeTooLarge},
		"large default body":  {webhook(nil), `{"s":"` + large + large + `"}`, loop.CodeTooLarge},
		"large value":         {output("k", []any{"{{ signal.data.s }}", "{{ signal.data.s }}"}), `{"s":"` + large + `"}`, loop.CodeTooLarge},
		"large constant":      {output("k", large+large), `{}`, loop.CodeTooLarge},
		"large with":          {output("k", nil), `{"s":"` + large + `"}`, ""},
		"empty output key":    {output("{{ signal.data.s }}", nil), `{"s":""}`, loop.CodeRenderFailed},
		"long output key":     {output("{{ signal.data.s }}", nil), `{"s":"` + strings.Repeat("x", 1025) + `"}`, loop.CodeRenderFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := render(t, c.action, nil, signal(c.data))
			if loop.CodeOf(err) != c.code || c.code == "" && err != nil {
				t.Errorf("got %.200v, want %s", err, c.code)
			}
			if err != nil && len(err.Error()) > 600 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestDeepValuesAreRefused(t *testing.T) {
	t.Parallel()
	src := strings.Repeat("[", 12) + "signal.data.l" + strings.Repeat("]", 12)
	if _, err := render(t, webhook("{{ "+src+" }}"), nil, signal(`{"l":[]}`)); err != nil {
		t.Errorf("12 deep: %v", err)
	}
	x, err := compile("[1]", scopeAction, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := x.eval(&activation{event: signal(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := appendJSON(nil, v, maxValueDepth+1); err == nil {
		t.Error("no bound on depth")
	}
}

func TestEffectsOfAnEpisode(t *testing.T) {
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
	ev := NewEvent([]byte(`{"id":"7","source":"shop/a","type":"com.example.metric","subject":"checkout","time":"2026-03-01T12:00:00Z","data":{"service":"checkout","error_rate":0.06}}`), acceptedAt)
	const n = 1772366400000
	do, err := p.Render(ev, RenderInput{Key: "eu west", Phase: loop.PhaseDo, Episode: n})
	if err != nil {
		t.Fatal(err)
	}
	undo, err := p.Render(ev, RenderInput{Key: "eu west", Phase: loop.PhaseUndo, Episode: n})
	if err != nil {
		t.Fatal(err)
	}
	if len(do) != 2 || len(undo) != 2 {
		t.Fatalf("%d and %d effects", len(do), len(undo))
	}
	decision := loop.EpisodeDecisionID("checkout-errors", "eu west", n, loop.PhaseDo)
	page := do[1]
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"decision", page.DecisionID, decision},
		{"id", page.ID, loop.EffectID(decision, "page")},
		{"fence", page.Fence, loop.EpisodeFence(n, loop.PhaseDo)},
		{"undo's fence", undo[1].Fence, loop.EpisodeFence(n, loop.PhaseUndo)},
		{"signal key", page.SignalKey, loop.SignalKey("shop/a", "7")},
		{"target", page.Target, loop.TargetWebhook},
		{"class", page.Class, loop.ClassKeyed},
		{"step", page.Step, "page"},
		{"action", page.Action, "page"},
		{"undoes", undo[1].Undoes, page.ID},
		{"do undoes nothing", page.Undoes, ""},
		{"url", page.Request.URL, "https://events.example.com/v2/enqueue/eu%20west?rule=checkout-errors"},
		{"secret", page.Request.Secret, "ssm:/shop/page"},
		{"header", page.Request.Headers["x-routing"], "critical"},
		{"body", page.Request.Body, `{"action":"trigger","dedup":"` + page.ID + `","rate":0.06,"summary":"eu west: 6 % of checkouts fail"}`},
		{"undo reuses the do's id", strings.Contains(undo[1].Request.Body, `"dedup":"`+page.ID+`"`), true},
		{"output key", do[0].Output.Key, "shed/eu west"},
		{"output value", string(do[0].Output.Value), `{"level":"high","since":"2026-03-01T12:00:00Z"}`},
		{"output has no request", do[0].Request == nil, true},
		{"expire after", page.ExpireAfter, cfg.Actions["page"].ExpireAfter},
		{"horizon", page.Horizon, cfg.Actions["page"].Horizon},
		{"timeout", page.Timeout, cfg.Actions["page"].Timeout},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
	if len(page.Emit) != 2 || page.Emit[0] != loop.StatusParked || page.Emit[1] != loop.StatusExpired {
		t.Errorf("emit %v: only what a rule matches", page.Emit)
	}
}

func TestEffectOfAStatelessRule(t *testing.T) {
	t.Parallel()
	ev := signal(`{}`)
	e, err := render(t, webhook(nil), nil, ev)
	if err != nil {
		t.Fatal(err)
	}
	decision := loop.SignalDecisionID(ev.Key(), "r")
	if e.DecisionID != decision || e.ID != loop.EffectID(decision, "s") || e.Fence != loop.SignalFence(ev.Position()) || e.Emit != nil {
		t.Errorf("got %+v", e)
	}
}

func TestUndoOfAStepThatDoHasNot(t *testing.T) {
	t.Parallel()
	step := func(id string) []loop.Step { return []loop.Step{{Step: id, Action: "a"}} }
	p := program(t, loop.Rule{Window: &loop.Window{Count: 1}, Do: step("x"), Undo: step("y")}, map[string]loop.Action{"a": {To: loop.TargetOutput, Output: "k"}})
	undo, err := p.Render(signal(`{}`), RenderInput{Phase: loop.PhaseUndo, Episode: 1})
	if err != nil || undo[0].Undoes != "" {
		t.Errorf("got %+v, %v", undo, err)
	}
}

func TestRenderingIsDeterministic(t *testing.T) {
	t.Parallel()
	body := map[string]any{}
	for _, k := range strings.Split("q w e r t y u i o p a s d f g h j k l", " ") {
		body[k] = "{{ {'z': 1, 'y': 2, 'x': signal.data} }}"
	}
	var first string
	for range 30 {
		e, err := render(t, webhook(body), nil, signal(`{"b":1,"a":2}`))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(b)
		}
		if string(b) != first {
			t.Fatal("two renderings differ")
		}
	}
}

// TestWritingStopsAtTheLimit: before the memory is spent, not after.
func TestWritingStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	full := make([]byte, loop.MaxRequestBytes+1)
	if _, err := appendJSON(full, &array{raw: "[]"}, 0); !errors.Is(err, errTooLarge) {
		t.Errorf("a value: %v", err)
	}
	tmpl, err := textTemplate("body", "{{ signal.data.s }}{{ signal.data.nope }}", scopeAction)
	if err != nil {
		t.Fatal(err)
	}
	ev := signal(`{"s":"` + string(bytes.Repeat([]byte("x"), loop.MaxRequestBytes+1)) + `"}`)
	if _, err := tmpl.renderString(&activation{event: ev}); loop.CodeOf(err) != loop.CodeTooLarge {
		t.Errorf("a template: %.100v", err)
	}
}
