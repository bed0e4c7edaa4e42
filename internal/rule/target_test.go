package rule

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

const (
	topic   = "arn:aws:sns:us-east-2:123456789012:alerts"
	queue   = "arn:aws:sqs:us-east-2:123456789012:work"
	machine = "arn:aws:states:us-east-2:123456789012:stateMachine:rollback"
)

// oneAction parses a file with a single rule and a single action.
func oneAction(t *testing.T, yaml string) (loop.Action, error) {
	t.Helper()
	cfg, err := Parse("loop.yaml", []byte("actions: {a: "+yaml+"}\nrules: [{id: r, match: {type: [t]}, key: signal.subject, do: [{action: a, with: {level: high}}]}]"))
	if err != nil {
		return loop.Action{}, err
	}
	return cfg.Actions["a"], nil
}

func TestTargetsRenderTheirRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		yaml, class, url, body string
		headers                map[string]string
	}{
		{
			"{to: sns, topic: '" + topic + "', message: 'hot: {{ key }}', subject: '{{ rule }}', attributes: {team: shop}}",
			"once", topic, "hot: k/1",
			map[string]string{"subject": "r", "attribute.team": "shop"},
		},
		{"{to: sns, topic: '" + topic + ".fifo', message: x}", "keyed", topic + ".fifo", "x", map[string]string{"group": "k/1"}},
		{"{to: sqs, queue: '" + queue + "', message: {l: '{{ with.level }}'}}", "once", queue, `{"l":"high"}`, nil},
		{"{to: sqs, queue: '" + queue + ".fifo', message: x, group: 'a b'}", "keyed", queue + ".fifo", "x", map[string]string{"group": loop.KeyHash("a b")}},
		{
			"{to: eventbridge, bus: 'arn:aws:events:us-east-2:123456789012:event-bus/ops', detail: {a: 1}}", "once",
			"arn:aws:events:us-east-2:123456789012:event-bus/ops", `{"a":1}`,
			map[string]string{"source": "unbroken", "detail_type": "unbroken.effect"},
		},
		{
			"{to: lambda, function: 'arn:aws:lambda:us-east-2:123456789012:function:restart:live', payload: {}}", "once",
			"arn:aws:lambda:us-east-2:123456789012:function:restart:live", `{}`, nil,
		},
		{"{to: step-functions, state_machine: '" + machine + "', input: {k: '{{ key }}'}}", "keyed", machine, `{"k":"k/1"}`, nil},
		{"{to: ssm, parameter: '/shed/{{ key }}', content: '{{ with.level }}'}", "set", "ssm:/shed/k/1", "high", map[string]string{"region": "us-east-2"}},
		{
			"{to: dynamodb, table: flags, item: 'shed/{{ key }}', region: own}", "fenced", "dynamodb://flags/shed/k/1", `{"level":"high"}`,
			map[string]string{"region": "own", "key_name": "pk"},
		},
		{
			"{to: s3, bucket: flags, object: '{{ key }}.json', region: us-west-2}", "fenced", "s3://flags/k/1.json", `{"level":"high"}`,
			map[string]string{"region": "us-west-2", "content_type": "application/json"},
		},
		{"{to: alarm, alarm: 'shop-{{ key }}'}", "set", "alarm://shop-k/1", "r: k/1", map[string]string{"region": "us-east-2", "state": "ALARM"}},
		{
			"{to: metric, namespace: Shop/Loop, metric: shed, dimensions: {service: '{{ key }}'}}", "once", "metric://Shop/Loop", "1",
			map[string]string{"region": "us-east-2", "metric": "shed", "unit": "None", "dimension.service": "k/1"},
		},
	} {
		a, err := oneAction(t, c.yaml)
		if err != nil {
			t.Errorf("%s: %v", c.yaml, err)
			continue
		}
		e, err := render(t, a, map[string]any{"level": "high"}, signal(`{}`))
		if err != nil {
			t.Errorf("%s: %v", c.yaml, err)
			continue
		}
		if string(e.Class) != c.class || e.Target != a.To || e.Request.URL != c.url || e.Request.Body != c.body {
			t.Errorf("%s: got %s %s %+v", c.yaml, e.Target, e.Class, e.Request)
		}
		for name, want := range c.headers {
			if e.Request.Headers[name] != want {
				t.Errorf("%s: %s is %q, want %q", c.yaml, name, e.Request.Headers[name], want)
			}
		}
		if len(e.Request.Headers) != len(c.headers) {
			t.Errorf("%s: headers %v", c.yaml, e.Request.Headers)
		}
	}
}

func TestTargetDefaults(t *testing.T) {
	t.Parallel()
	for yaml, horizon := range map[string]string{
		"{to: sns, topic: '" + topic + ".fifo'}":                                     "5m0s",
		"{to: step-functions, state_machine: '" + machine + "'}":                     "2160h0m0s",
		"{to: step-functions, state_machine: '" + machine + "', effect: once}":       "0s",
		"{to: sqs, queue: '" + queue + "'}":                                          "0s",
		"{to: webhook, url: 'https://e.com', effect: once}":                          "0s",
		"{to: dynamodb, table: flags, item: '{{ key }}', output: o, effect: fenced}": "0s",
	} {
		a, err := oneAction(t, yaml)
		if err != nil || a.Horizon.String() != horizon {
			t.Errorf("%s: horizon %s, %v; want %s", yaml, a.Horizon, err, horizon)
		}
	}
}

// TestEachTargetGuard names one action that only that guard refuses.
func TestEachTargetGuard(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"{topic: x}":               "actions.a: to is required",
		"{to: snss}":               "did you mean sns?",
		"{to: sns}":                "topic is required (add topic: such as arn:aws:sns:",
		"{to: sns, topic: alerts}": `"alerts" is not what sns takes here`,
		"{to: sns, topic: 'arn:aws:sns:us-east-2:123456789012:{{ key }}'}":                       "must not come from a template",
		"{to: sns, topic: 'arn:aws:sqs:us-east-2:123456789012:a'}":                               "not what sns takes",
		"{to: sns, topic: '" + topic + "', queue: x}":                                            "actions.a.queue: is not a field of sns",
		"{to: sns, topic: '" + topic + "', body: x}":                                             "actions.a.body: is not a field of sns",
		"{to: sns, topic: '" + topic + "', url: 'https://e.com'}":                                "actions.a.url: is not a field of sns",
		"{to: sns, topic: '" + topic + "', effect: keyed}":                                       `sns cannot be "keyed"; it can be once`,
		"{to: sns, topic: '" + topic + ".fifo', effect: once}":                                   `sns cannot be "once"; it can be keyed`,
		"{to: sns, topic: '" + topic + ".fifo', horizon: 6m}":                                    "sns remembers for 5m0s, not for 6m0s",
		"{to: sns, topic: '" + topic + "', group: x}":                                            "is for FIFO only",
		"{to: sns, topic: '" + topic + "', message: '{{ nope }}'}":                               "actions.a.message: {{ nope }}: undeclared reference",
		"{to: sns, topic: '" + topic + "', attributes: {x: '{{ nope }}'}}":                       "actions.a.attributes.x: {{ nope }}",
		"{to: lambda, function: 'arn:aws:lambda:us-east-2:123456789012:function:f', payload: x}": "must be a JSON value, not text",
		"{to: dynamodb, table: flags, item: 'shed/{{ nope }}'}":                                  "actions.a.item: {{ nope }}",
		"{to: dynamodb, table: '{{ key }}', item: '{{ key }}'}":                                  "actions.a.table: must not come from a template",
		"{to: dynamodb, table: flags, item: '{{ key }}', effect: set}":                           `dynamodb cannot be "set"; it can be fenced`,
		"{to: dynamodb, table: flags, item: '{{ key }}', region: mars}":                          "actions.a.region",
		"{to: dynamodb, table: flags, item: fixed}":                                              "all its keys would write to one dynamodb",
		"{to: ssm, parameter: 'flags/{{ key }}'}":                                                "actions.a.parameter",
		"{to: ssm, parameter: '/flags/{{ key }}', region: own}":                                  "fences are compared in one place",
		"{to: s3, bucket: '{{ key }}', object: '{{ key }}'}":                                     "actions.a.bucket: must not come from a template",
		"{to: s3, bucket: flags, object: '/{{ key }}'}":                                          "actions.a.object",
		"{to: appconfig, application: abc1234, profile: def5678}":                                "all its keys would write to one appconfig",
		"{to: appconfig, application: Shop, profile: def5678}":                                   `"Shop" is not what appconfig takes`,
		"{to: dynamodb, table: unbroken-claims, item: '{{ key }}'}":                              "the loop's own state",
		"{to: sqs, queue: 'arn:aws:sqs:us-east-2:123456789012:unbroken-signals'}":                "the loop's own state",
		"{to: s3, bucket: flags, object: 'a*/{{ key }}'}":                                        "actions.a.object",
		"{to: alarm, alarm: 'a?{{ key }}'}":                                                      "actions.a.alarm",
		"{to: alarm, alarm: 'a-{{ key }}', state: BAD}":                                          "actions.a.state",
		"{to: metric, namespace: Shop, metric: m, number: many}":                                 "must be a JSON value, not text",
		"{to: metric, namespace: '{{ key }}', metric: m}":                                        "actions.a.namespace: must not come from a template",
		"{to: slack, message: x}":                                                                "secret is required",
		"{to: slack, secret: 'https://hooks.slack.com/x'}":                                       "never hold the secret itself",
		"{to: slack, secret: 'ssm:/a', url: 'https://{{ key }}.e.com/'}":                         "must not come from a template",
		"{to: slack, secret: 'ssm:/a', url: 'http://e.com/'}":                                    "https is required",
		"{to: slack, secret: 'ssm:/a', effect: keyed}":                                           `slack cannot be "keyed"; it can be once`,
		"{to: slack, secret: 'ssm:/a', headers: {a: b}}":                                         "is not a field of slack",
		"{to: pagerduty}": "routing key",
		"{to: pagerduty, secret: 'ssm:/a', severity: bad}": "critical, error, warning or info",
		"{to: pagerduty, secret: 'ssm:/a', effect: once}":  `pagerduty cannot be "once"; it can be keyed`,
		"{to: ssm, parameter: /flags}":                     "put {{ key }} into the action's resource",
	} {
		if _, err := oneAction(t, yaml); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", yaml, err, want)
		}
	}
}

func TestResourceOfTwoIsRefused(t *testing.T) {
	t.Parallel()
	const table = "actions:\n  a: {to: dynamodb, table: flags, item: 'a/{{ key }}'}\n  b: {to: dynamodb, table: flags, item: '{{ key }}'}\n" +
		"  r: {to: dynamodb, table: flags, item: '{{ rule }}/{{ key }}'}\n  o: {to: dynamodb, table: other, item: '{{ key }}'}\n" +
		"  far: {to: dynamodb, table: flags, item: '{{ key }}', region: us-west-2}\n  own: {to: dynamodb, table: flags, item: '{{ key }}', region: own}\nrules:\n"
	rule := func(id, do string) string {
		return "  - {id: " + id + ", match: {type: [t]}, key: signal.subject, do: [" + do + "]}\n"
	}
	for _, c := range []struct{ rules, want string }{
		{rule("x", "{action: a}") + rule("y", "{action: a}"), "rules[1].do[0]: rule x (rules[0].do[0]) may write to the same resource"},
		{rule("x", "{action: a}") + rule("y", "{action: b}"), "may write to the same resource"},
		{rule("x", "{action: b}") + rule("y", "{action: own}"), "may write to the same resource"},
		{rule("x", "{action: a}, {step: again, action: a}"), "in the same decision"},
		{rule("x", "{action: r}") + rule("y", "{action: r}"), ""},
		{rule("x", "{action: a}") + rule("y", "{action: o}"), ""},
		{rule("x", "{action: b}") + rule("y", "{action: far}"), ""},
		{"  - {id: x, match: {type: [t]}, key: signal.subject, window: {count: 1, within: 1m}, do: [{action: a}], undo: [{action: a}]}\n", ""},
	} {
		_, err := Parse("loop.yaml", []byte(table+c.rules))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.rules, err, c.want)
		}
	}
}

func TestConstantKeyMayShareOneResource(t *testing.T) {
	t.Parallel()
	for key, ok := range map[string]bool{`"'all'"`: true, `"'a' + signal.subject + 'b'"`: false, "signal.subject": false} {
		_, err := Parse("loop.yaml", []byte("actions: {a: {to: ssm, parameter: /mode}}\nrules: [{id: r, match: {type: [t]}, key: "+key+", do: [{action: a}]}]"))
		if (err == nil) != ok {
			t.Errorf("key %s: %v", key, err)
		}
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"a", "a", true},
		{"a", "b", false},
		{"a*", "ab", true},
		{"a*", "*b", true},
		{"a*c", "ab", false},
		{"*", "", true},
		{"a/*", "b/*", false},
		{"a/*/x", "a/*/y", false},
		{"*x*", "y*", true},
		{"**", "a", true},
		{"a*b", "a*c*b", true},
	} {
		if overlap(c.a, c.b) != c.want || overlap(c.b, c.a) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}

func TestResourceNamesAreNeverHollow(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"": "is empty", `a\nb`: "control character", "..": "names another resource"} {
		a := loop.Action{To: loop.TargetDynamoDB, Effect: loop.ClassFenced, Fields: map[string]string{"table": "flags", "item": "x/{{ signal.data.s }}"}}
		if _, err := render(t, a, nil, signal(`{"s":"`+value+`"}`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", value, err, want)
		}
	}
}
