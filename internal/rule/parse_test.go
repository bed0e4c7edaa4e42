package rule

import (
	"errors"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

var update = flag.Bool("update", false, "write the golden files")

func TestGoodFileParses(t *testing.T) {
	t.Parallel()
	cfg, err := ParseFile("testdata/loop.yaml", nil)
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	if w := Warnings(cfg); len(w) != 4 || !strings.Contains(w[0].String(), "inputs.metrics: auth iam without credentials") ||
		!strings.Contains(w[1].String(), "inputs.replay.durability") || !strings.Contains(w[3].String(), "page-failed feeds itself") {
		t.Errorf("warnings: %v", w)
	}
	r := cfg.Rules[0]
	if !r.Stateful() || r.Window.Count != 3 || r.Window.Lateness.Std() != 5*time.Minute || r.Match["data.service"][0] != "checkout" {
		t.Errorf("rule: %+v", r)
	}
	if s := cfg.Rules[1].Do[0]; s.Step != "annotate" {
		t.Errorf("a step's id defaults to its action's name; got %q", s.Step)
	}
	if in := cfg.Inputs["replay"]; in.MaxSkew != 0 {
		t.Errorf("none means no bound, got %s", in.MaxSkew)
	}
}

func TestEmptyFileGetsDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("loop.yaml", []byte("inputs: {a: {kind: http}}\nactions: {w: {to: webhook, url: 'https://e.com'}, o: {to: output, output: k}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	in, w, o := cfg.Inputs["a"], cfg.Actions["w"], cfg.Actions["o"]
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"prefix", cfg.Prefix, "unbroken"},
		{"regions", strings.Join(cfg.Regions.All(), " "), "us-east-2 us-west-2 us-east-1"},
		{"standby_delay", cfg.StandbyDelay.Std(), 20 * time.Second},
		{"claim", cfg.Claim.Std(), 15 * time.Second},
		{"health.drain", cfg.Health.Drain, loop.DrainAutomatic},
		{"health's bounds", cfg.Health.Bounds, loop.DefaultBounds()},
		{"durability", in.Durability, loop.Mirrored},
		{"policy", in.Policy, loop.PolicyAll},
		{"max_skew", in.MaxSkew.Std(), time.Hour},
		{"webhook class", w.Effect, loop.ClassKeyed},
		{"webhook method", w.Method, "POST"},
		{"webhook horizon", w.Horizon.Std(), 24 * time.Hour},
		{"timeout", w.Timeout.Std(), 5 * time.Second},
		{"expire_after", w.ExpireAfter.Std(), 15 * time.Minute},
		{"output class", o.Effect, loop.ClassNative},
		{"output horizon", o.Horizon.Std(), time.Duration(0)},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

// TestBadFileReportsEverything holds every check's words. Run with -update after changing one, and read the diff.
func TestBadFileReportsEverything(t *testing.T) {
	t.Parallel()
	_, err := ParseFile("testdata/bad.yaml", nil)
	es, ok := errors.AsType[*Errors](err)
	if !ok {
		t.Fatalf("got %v, want *Errors", err)
	}
	got := es.Error() + "\n"
	if *update {
		if err := os.WriteFile("testdata/bad.golden", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/bad.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestUnreadableFilesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, want string }{
		"empty":            {"", "the file is empty"},
		"comment only":     {"# nothing\n", "the file is empty"},
		"a list":           {"- a\n", "must be a map, not a list"},
		"syntax":           {"rules: [\nactions: {", "loop.yaml:"},
		"unquoted":         {"prefix: {{ x }}\n", "must stand in quotes"},
		"not UTF-8":        {"prefix: a\nregions: \xff\n", "loop.yaml:2:1: not UTF-8"},
		"too large":        {"# " + strings.Repeat("x", maxFileBytes), "at most 1048576 are allowed"},
		"billion laughs":   {"a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "anchors, aliases and merge keys are not supported"},
		"merge":            {"actions:\n  a: {to: output}\n  b: {<<: {to: output}}\n", "not supported"},
		"tag":              {"prefix: !!binary aGk=\n", "tags are not supported"},
		"deep brackets":    {"a: " + strings.Repeat("[", 500_000), "nested deeper than 40"},
		"deep braces":      {"a: " + strings.Repeat("{a: ", 100_000), "nested deeper than 40"},
		"deep dashes":      {strings.Repeat("- ", 500_000) + "x", "nested deeper than 40"},
		"deep blocks":      {deepBlocks(600), "nested deeper than 40"},
		"deep questions":   {strings.Repeat("? ", 300_000) + "x", "nested deeper than 40"},
		"two documents":    {"prefix: aa\n---\nprefix: bb\n", "a second YAML document"},
		"too many rules":   {"rules:\n" + strings.Repeat("- {id: a}\n", maxFileRules+1), "more than 10000 rules"},
		"large expression": {"rules: [{id: a, match: {type: [t]}, when: \"true || '" + strings.Repeat("x", maxExprBytes) + "' == ''\"}]", "at most 4096 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("loop.yaml", []byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v, want %q", err, c.want)
			}
		})
	}
}

func deepBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestEachGuard names one file that only that guard refuses.
func TestEachGuard(t *testing.T) {
	t.Parallel()
	action := func(rest string) string { return "actions: {a: {to: webhook, " + rest + "}}" }
	rule := func(rest string) string {
		return "actions: {a: {to: output, output: k}}\nrules: [{id: r, match: {type: [t]}, do: [{action: a}]" + rest + "}]"
	}
	all := func(conditions string) string {
		return rule(", key: signal.id, window: {all: [" + conditions + "], within: 1m}")
	}
	for name, c := range map[string]struct{ src, want string }{
		"prefix":                 {"prefix: a", `prefix: "a" cannot start`},
		"four regions":           {"regions: {loop: [us-east-1, us-east-2, us-west-2, eu-west-1]}", "at most 3"},
		"witness of three":       {"regions: {loop: [us-east-1, us-east-2, us-west-2], witness: eu-west-1}", "need no witness"},
		"witness of one":         {"regions: {loop: [us-east-1], witness: eu-west-1}", "no use for a witness"},
		"two without":            {"regions: {loop: [us-east-1, us-east-2]}", "need a witness"},
		"same region":            {"regions: {loop: [us-east-1, us-east-1], witness: us-east-2}", "named twice"},
		"witness is loop":        {"regions: {loop: [us-east-1, us-east-2], witness: us-east-2}", "named twice"},
		"claim and delay":        {"claim: 20s", "claim: 20s is not less than"},
		"delay beyond SQS":       {"standby_delay: 901s", "more than SQS can delay"},
		"timeout and claim":      {action("url: 'https://e.com', timeout: 14s"), "do not fit into the claim"},
		"timeout zero":           {action("url: 'https://e.com', timeout: 0s"), "timeout: must be more than 0"},
		"expire zero":            {action("url: 'https://e.com', expire_after: 0s"), "expire_after: must be more than 0"},
		"class":                  {action("url: 'https://e.com', effect: fenced"), `webhook cannot be "fenced"; it can be keyed or once`},
		"plain http":             {action("url: 'http://e.com'"), "https is required"},
		"other scheme":           {action("url: 'ftp://e.com'"), "not https"},
		"template scheme":        {action("url: '{{ key }}://e.com'"), "must not come from a template"},
		"template host":          {action("url: 'https://{{ key }}.e.com/'"), "must not come from a template"},
		"template port":          {action("url: 'https://e.com:{{ key }}/'"), "must not come from a template"},
		"template after host":    {action("url: 'https://e.com{{ key }}'"), "must not come from a template"},
		"template in user":       {action("url: 'https://{{ key }}@e.com/'"), "must not come from a template"},
		"userinfo":               {action("url: 'https://u:p@e.com/'"), "user or password"},
		"fragment":               {action("url: 'https://e.com/#{{ key }}'"), "fragment"},
		"no host":                {action("url: 'https:///x'"), "no host"},
		"relative":               {action("url: '/x'"), "not an absolute URL"},
		"dots":                   {action("url: 'https://e.com/a/../b'"), ". or .. segment"},
		"encoded dots":           {action("url: 'https://e.com/a/%2E%2e/b'"), ". or .. segment"},
		"metadata":               {action("url: 'https://169.254.169.254/'"), "not an address"},
		"mapped loopback":        {action("url: 'https://[::ffff:127.0.0.1]/'"), "not an address"},
		"decimal address":        {action("url: 'https://2130706433/'"), "not an address"},
		"octal address":          {action("url: 'https://0177.0.0.1/'"), "not an address"},
		"hex address":            {action("url: 'https://0x7f.1/'"), "not an address"},
		"hex label":              {action("url: 'https://e.0x7f/'"), "not an address"},
		"other port":             {action("url: 'https://e.com:22/'"), "port 443 is required"},
		"listed other port":      {"egress_allow: ['10.0.0.7:80']\n" + action("url: 'http://10.0.0.7:81/'"), "https is required"},
		"egress entry":           {"egress_allow: [localhost:80]", "not ip:port"},
		"secret value":           {action("url: 'https://e.com', secret: abc"), "never hold the secret itself"},
		"own header":             {action("url: 'https://e.com', headers: {Idempotency-Key: x}"), "is set by unbroken"},
		"header twice":           {action("url: 'https://e.com', headers: {X-a: x, x-A: y}"), "given twice"},
		"header name":            {action("url: 'https://e.com', headers: {'x:y': x}"), "not a header's name"},
		"header value":           {action(`url: 'https://e.com', headers: {x: "a\r\nb: c"}`), "line break"},
		"method":                 {action("url: 'https://e.com', method: GET"), "POST or PUT"},
		"value unused":           {action("url: 'https://e.com', value: 1"), "is written nowhere"},
		"body template":          {action("url: 'https://e.com', body: ['{{ nope }}']"), "undeclared reference to 'nope'"},
		"output with body":       {"actions: {a: {to: output, output: k, body: 1}}", "is not a field of output"},
		"output without key":     {"actions: {a: {to: output}}", "output is required"},
		"native horizon":         {"actions: {a: {to: output, output: k, horizon: 1h}}", "for keyed effects only"},
		"rule id":                {rule(", id: r"), "given twice"},
		"rule id form":           {"rules: [{id: A b, match: {type: [t]}}]", "is not a name"},
		"no match":               {"rules: [{id: r}]", "type is required"},
		"type suffix":            {rule("") + "\n" + "inputs: {A: {kind: http}}", `"A" is not a name`},
		"until alone":            {rule(", until: 'true'"), "only a rule with a window"},
		"undo alone":             {rule(", undo: [{action: a}]"), "only a rule with a window"},
		"window without key":     {rule(", window: {count: 1, within: 1m}"), "needs a key"},
		"window count":           {rule(", key: signal.id, window: {count: 0, within: 1m}"), "must be at least 1"},
		"window within":          {rule(", key: signal.id, window: {count: 1}"), "within: must be more than 0"},
		"window of no kind":      {rule(", key: signal.id, window: {within: 1m}"), "must say what it waits for: absent, all, avg, count, for"},
		"window of two kinds":    {rule(", key: signal.id, window: {count: 1, for: 1m}"), "count and for do not go together"},
		"window of two sums":     {rule(", key: signal.id, window: {avg: '1', sum: '1', over: 1m, above: 1}"), "avg and sum do not go together"},
		"window of others' word": {rule(", key: signal.id, window: {for: 1m, within: 5m}"), "window.within: does not go with for"},
		"count with above":       {rule(", key: signal.id, window: {count: 1, within: 5m, above: 1}"), "window.above: does not go with count"},
		"window unknown word":    {rule(", key: signal.id, window: {coun: 1, within: 5m}"), "did you mean count?"},
		"window unit":            {rule(", key: signal.id, window: {for: 120}"), "write it like 90s"},
		"for zero":               {rule(", key: signal.id, window: {for: 0s}"), "window.for: must be more than 0"},
		"for too long":           {rule(", key: signal.id, window: {for: 8d}"), "window.for: must be at most 7d"},
		"lateness too long":      {rule(", key: signal.id, window: {for: 1m, lateness: 8d}"), "window.lateness: must be at most 7d"},
		"avg without over":       {rule(", key: signal.id, window: {avg: '1', above: 1}"), "window.over: must be more than 0"},
		"avg without threshold":  {rule(", key: signal.id, window: {avg: '1', over: 1m}"), "avg needs one of above and below"},
		"avg with two":           {rule(", key: signal.id, window: {avg: '1', over: 1m, above: 1, below: 0}"), "avg needs one of above and below"},
		"threshold of text":      {rule(", key: signal.id, window: {avg: '1', over: 1m, above: high}"), "window.above: must be a number, not text"},
		"value not a number":     {rule(", key: signal.id, window: {avg: signal.id == 'a', over: 1m, above: 1}"), "window.avg: the expression gives bool; it must give a number"},
		"value unknown":          {rule(", key: signal.id, window: {p95: sginal.id, over: 1m, above: 1}"), "window.p95: undeclared reference"},
		"value uses key":         {rule(", key: signal.id, window: {p95: size(key), over: 1m, above: 1}"), "`key` is not known here"},
		"bound of zero":          {rule(", key: signal.id, window: {for: 1m, max_entries: 0}"), "max_entries: must be between 1 and 100000"},
		"bound too large":        {rule(", key: signal.id, window: {for: 1m, max_entries: 100001}"), "max_entries: must be between 1 and 100000"},
		"count beyond the bound": {rule(", key: signal.id, window: {count: 11, within: 1m, max_entries: 10}"), "is more than the window holds, 10"},
		"absent zero":            {rule(", key: signal.id, window: {absent: 0s}"), "window.absent: must be more than 0"},
		"absent with until":      {rule(", until: 'true', key: signal.id, window: {absent: 1m}"), "until: does not go with window.absent"},
		"one condition":          {all("{name: a, match: {type: [t]}}"), "1 conditions; 2 to 16 are possible"},
		"condition name":         {all("{match: {type: [t]}}, {name: b, match: {type: [t]}}"), "window.all[0]: name is required"},
		"condition name form":    {all("{name: A, match: {type: [t]}}, {name: b, match: {type: [t]}}"), `window.all[0].name: "A" is not a name`},
		"condition twice":        {all("{name: a, match: {type: [t]}}, {name: a, match: {type: [t]}}"), `"a" is a condition here already`},
		"condition type":         {all("{name: a, match: {source: [t]}}, {name: b, match: {type: [t]}}"), "type is required"},
		"condition when":         {all("{name: a, match: {type: [t]}}, {name: b, match: {type: [t]}, when: '1'}"), "window.all[1].when: the expression gives int; it must give bool"},
		"condition field":        {all("{name: a, match: {type: [t]}}, {name: b, match: {type: [t]}, whne: 'true'}"), "did you mean when?"},
		"all with when":          {rule(", when: 'true', key: signal.id, window: {all: [{name: a, match: {type: [t]}}, {name: b, match: {type: [t]}}], within: 1m}"), "rules[0].when: does not go with window.all"},
		"mode":                   {rule(", mode: shade"), `unknown value "shade"`},
		"when not bool":          {rule(", when: '1'"), "must give bool"},
		"when uses key":          {rule(", when: key == 'a'"), "`key` is not known here"},
		"unknown variable":       {rule(", when: sginal.id == 'a'"), "undeclared reference"},
		"unordered":              {rule(", when: \"{'a': 1}.filter(k, true) == []\""), "no defined order"},
		"unordered inside":       {rule(", when: \"[{'a': 1}, 1].map(m, m.map(k, k)) == []\""), "no defined order"},
		"unordered by all":       {rule(", when: \"[{'a': 1}, 1].all(m, m.map(k, k) == [])\""), "no defined order"},
		"bad regex":              {rule(`, when: "signal.id.matches('(')"`), "matches"},
		"huge regex":             {rule(`, when: "signal.id.matches('((ab){30}){30}')"`), "regex"},
		"loops in loops":         {rule(", when: 'signal.data.all(a, signal.data.all(b, signal.data.all(c, true)))'"), "nesting"},
		"deep expression":        {rule(", when: '" + strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200) + "'"), "recursion"},
		"off is checked":         {rule(", mode: 'off', when: '1'"), "must give bool"},
		"number beyond 2^53":     {action("url: 'https://e.com', body: 9007199254740993"), "not exact"},
		"not a number":           {action("url: 'https://e.com', body: .nan"), "must be a JSON value"},
		"number for text":        {"prefix: 12", "must be text, not a number"},
		"unknown field":          {rule(", whne: 'true'"), "did you mean when?"},
		"unknown nothing close":  {rule(", zzzzzzz: 1"), "known: do, group, guard, id"},
		"unknown action":         {"rules: [{id: r, match: {type: [t]}, do: [{action: x}]}]", `no action is named "x"`},
		"dotted and nested":      {"rules: [{id: r, match: {type: [t], data.a: [1], data: {a: [1]}}}]", "once dotted and once nested"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("loop.yaml", []byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestListedAddressMayBePlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ allow, url string }{
		{"127.0.0.1:8080", "http://127.0.0.1:8080/x"},
		{"127.0.0.1:80", "http://127.0.0.1/x"},
		{"127.0.0.1:443", "https://127.0.0.1/x"},
		{"[::1]:8080", "http://[::1]:8080/x/{{ key }}?q={{ key }}"},
	} {
		src := "egress_allow: ['" + c.allow + "']\nactions: {a: {to: webhook, url: '" + c.url + "'}}"
		if _, err := Parse("loop.yaml", []byte(src)); err != nil {
			t.Errorf("%s: %v", c.url, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	window := func(rest string) string {
		return "actions: {a: {to: output, output: k}}\nrules: [{id: r, key: signal.id, do: [{action: a}], " + rest + "}]"
	}
	for src, want := range map[string]string{
		window("match: {type: [t]}, window: {for: 1m}"):                                                                                          "every signal is a hit",
		window("match: {type: [t]}, when: 'true', until: 'true', window: {for: 1m}"):                                                             "it never opens",
		window("match: {type: [t]}, when: 'true', until: 'true', window: {count: 1, within: 1m}"):                                                "it never opens",
		window("match: {type: [t, {prefix: x}]}, window: {all: [{name: a, match: {type: [t, xy]}}, {name: b, match: {type: [u]}}], within: 1m}"): "takes no signal of type u",
		"regions: {loop: [us-east-1]}":                                "no promise about the loss of a region",
		"regions: {loop: [us-east-1, eu-west-1], witness: us-west-2}": "not known to span",
		"prefix: aa": "no signal can come in",
		"inputs: {a: {kind: http, durability: regional}}":                                                             "waits until its region",
		"actions: {a: {to: output, output: k}}":                                                                       "no rule uses it",
		"actions: {a: {to: webhook, url: 'https://e.com', horizon: 1m}}":                                              "is shorter than expire_after",
		"actions: {a: {to: webhook, url: 'https://e.com', headers: {Authorization: x}}}":                              "credential",
		"actions: {a: {to: output, output: k}}\nrules: [{id: r, mode: 'off', match: {type: [t]}, do: [{action: a}]}]": "is off",
		"actions: {a: {to: output, output: k}}\nrules: [{id: r, match: {type: [t], sourc: [x]}, do: [{action: a}]}]":  "did you mean source?",
	} {
		cfg, err := Parse("loop.yaml", []byte(src))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		var all strings.Builder
		for _, p := range Warnings(cfg) {
			all.WriteString(p.String() + "\n")
		}
		if !strings.Contains(all.String(), want) {
			t.Errorf("%s: got %q, want %q", src, all.String(), want)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 5000 {
		b.WriteString("x" + strconv.Itoa(i) + ": 1\n")
	}
	_, err := Parse("loop.yaml", []byte(b.String()))
	if es, ok := errors.AsType[*Errors](err); !ok || len(es.Problems) != maxFileProblem {
		t.Errorf("got %d problems", len(es.Problems))
	}
}

func TestHealthIsChecked(t *testing.T) {
	t.Parallel()
	for health, problem := range map[string]string{
		"{drain: operator, heartbeat: 'https://heartbeat.example.com/loop'}":                                          "",
		"{receipt_age: 2m, queue_age: 1h, queue_growth: 10, dead_letters: 5, error_ratio: 0.5, throttle_ratio: 0.01}": "",
		"{drain: never}":                                   "unknown value",
		"{receipt_age: 60s}":                               ":2:23: health.receipt_age: must be more than 1m0s",
		"{receipt_age: 16m}":                               "health.receipt_age",
		"{queue_age: 59s}":                                 "health.queue_age",
		"{queue_age: 5d}":                                  "health.queue_age",
		"{queue_growth: 0}":                                "health.queue_growth",
		"{dead_letters: -1}":                               "health.dead_letters",
		"{error_ratio: 0}":                                 "health.error_ratio",
		"{throttle_ratio: 1}":                              "health.throttle_ratio",
		"{throttle_ratio: .nan}":                           "health.throttle_ratio",
		"{error_ratio: high}":                              "must be a number",
		"{heartbeat: 'http://heartbeat.example.com'}":      "https",
		"{heartbeat: 'https://u:p@heartbeat.example.com'}": "https",
		"{heartbeat: nonsense}":                            "https",
		"{dwell: 3m}":                                      "dwell",
	} {
		_, err := Parse("loop.yaml", []byte("inputs: {a: {kind: http}}\nhealth: "+health+"\n"))
		if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", health, err)
		}
	}
}

func TestDNSIsChecked(t *testing.T) {
	t.Parallel()
	const two, three, one = "{loop: [us-east-2, us-west-2], witness: us-east-1}", "{loop: [us-east-2, us-west-2, us-east-1]}", "{loop: [us-east-2]}"
	for _, c := range []struct{ regions, dns, problem string }{
		{two, "{policy: latency}", ""},
		{two, "{policy: weighted, weights: {us-east-2: 3, us-west-2: 0}}", ""},
		{two, "{policy: failover, primary: us-west-2}", ""},
		{three, "{policy: weighted, weights: {us-east-2: 1, us-west-2: 1, us-east-1: 255}}", ""},
		{two, "{policy: nearest}", "loop.yaml:3:15: dns.policy: unknown value"},
		{two, "{weights: {us-east-2: 1, us-west-2: 1}}", "dns.weights: does not go with the policy latency"},
		{two, "{policy: failover, primary: us-east-2, weights: {us-east-2: 1}}", "dns.weights: does not go with the policy failover"},
		{two, "{policy: weighted, primary: us-east-2, weights: {us-east-2: 1, us-west-2: 1}}", "dns.primary: does not go with the policy weighted"},
		{two, "{policy: weighted}", "us-east-2 has none"},
		{two, "{policy: weighted, weights: {us-east-2: 1}}", "us-west-2 has none"},
		{two, "{policy: weighted, weights: {us-east-2: 1, us-west-2: 1, us-east-1: 1}}", "dns.weights.us-east-1: is no loop region"},
		{two, "{policy: weighted, weights: {us-east-2: 256, us-west-2: 1}}", "between 0 and 255"},
		{two, "{policy: weighted, weights: {us-east-2: -1, us-west-2: 1}}", "between 0 and 255"},
		{two, "{policy: weighted, weights: {us-east-2: 0, us-west-2: 0}}", "one at least"},
		{two, "{policy: weighted, weights: {us-east-2: half, us-west-2: 1}}", "whole number"},
		{two, "{policy: failover}", "dns.primary: must be a loop region"},
		{two, "{policy: failover, primary: us-east-1}", "loop.yaml:3:34: dns.primary: must be a loop region"},
		{three, "{policy: failover, primary: us-east-2}", "takes two loop regions, and there are 3"},
		{one, "{policy: failover, primary: us-east-2}", "takes two loop regions, and there are 1"},
		{two, "{polisy: latency}", "did you mean policy?"},
	} {
		cfg, err := Parse("loop.yaml", []byte("inputs: {a: {kind: http}}\nregions: "+c.regions+"\ndns: "+c.dns+"\n"))
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", c.dns, err, c.problem)
		}
		if err == nil && cfg.DNS.Policy == "" {
			t.Errorf("%s: not read", c.dns)
		}
	}
}
