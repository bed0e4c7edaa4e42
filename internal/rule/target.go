package rule

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
)

// spec is what one target asks for in loop.yaml, in its own words, and how its request is made of that. Adding a
// target is one entry here and one in loop.Action.Capability; docs/targets.md lists the other places.
type spec struct {
	resource   string   // becomes Request.URL; <name> stands for a field
	method     string   // Request.Method: the API's action
	fields     []word   // those that are not in resource become Request.Headers
	body       string   // what Action.Body is called here, "" where there is none
	text       bool     // a text body is sent as it is, not as a JSON string
	fallback   any      // of the body; nil: see holds
	holds      bool     // the resource then holds the body, which defaults to `with`; otherwise to the decision
	attributes string   // what Action.Attributes is called here, "" where there are none
	prefix     string   // of Request.Headers for these
	direct     []string // fields of Action that are used as they are: url, secret, …

	preset func(a loop.Action, vars *activation, effect *loop.Effect, params map[string]string, body string) *loop.Request
}

// word is one field of a target. Only one marked template may hold {{ }}: account, region and whatever decides
// where a request goes must be literal (DESIGN section 7).
type word struct {
	name     string
	optional bool
	fallback string
	template bool
	form     *regexp.Regexp // of the value, a template standing as x; nil for any
	example  string
}

// specs are all targets. The regions, accounts and names in them follow AWS's own rules, so that a slip of the
// pen is found here and not by an effect.
var specs = sync.OnceValue(func() map[string]*spec {
	text := regexp.MustCompile
	arn := func(name, service, resource, example string) word {
		form := text(`^arn:aws(-cn|-us-gov)?:` + service + `:[a-z]{2}(-[a-z]+){1,3}-[1-9]:[0-9]{12}:` + resource + `$`)
		return word{name: name, form: form, example: "such as arn:aws:" + service + ":us-east-2:123456789012:" + example}
	}
	region := word{
		name: "region", optional: true,
		form: text(`^[a-z]{2}(-[a-z]+){1,3}-[1-9]$`), example: "one region, so that fences are compared in one place",
	}
	anyRegion := region
	anyRegion.form = text(`^([a-z]{2}(-[a-z]+){1,3}-[1-9]|` + loop.OwnRegion + `)$`)
	anyRegion.example = "a region, or own for that of the function that acts"
	group := word{name: "group", optional: true, template: true}

	return map[string]*spec{
		loop.TargetWebhook: {direct: []string{"url", "method", "headers", "body", "secret"}},
		loop.TargetOutput:  {},
		loop.TargetSNS: {
			resource: "<topic>", method: "Publish", body: "message", text: true, attributes: "attributes", prefix: loop.HeaderAttribute,
			fields: []word{
				arn("topic", "sns", `[A-Za-z0-9_-]{1,256}(\.fifo)?`, "alerts"), group,
				{name: "subject", optional: true, template: true},
			},
		},
		loop.TargetSQS: {
			resource: "<queue>", method: "SendMessage", body: "message", text: true, attributes: "attributes", prefix: loop.HeaderAttribute,
			fields: []word{arn("queue", "sqs", `[A-Za-z0-9_-]{1,80}(\.fifo)?`, "work"), group},
		},
		loop.TargetEventBridge: {
			resource: "<bus>", method: "PutEvents", body: "detail",
			fields: []word{
				arn("bus", "events", `event-bus/[A-Za-z0-9._/-]{1,256}`, "event-bus/ops"),
				{name: "source", optional: true, fallback: "unbroken", form: text(`^[^:{}]{1,256}$`), example: "such as shop.ops"},
				{name: "detail_type", optional: true, fallback: "unbroken.effect", template: true},
			},
		},
		loop.TargetLambda: {
			resource: "<function>", method: "Invoke", body: "payload",
			fields: []word{arn("function", "lambda", `function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?`, "function:restart")},
		},
		loop.TargetStepFunctions: {
			resource: "<state_machine>", method: "StartExecution", body: "input",
			fields: []word{arn("state_machine", "states", `stateMachine:[A-Za-z0-9_-]{1,80}(:[A-Za-z0-9_-]{1,80})?`, "stateMachine:rollback")},
		},
		loop.TargetSSM: {
			resource: "ssm:<parameter>", method: "PutParameter", body: "content", text: true, holds: true,
			fields: []word{
				{name: "parameter", template: true, form: text(`^(/[A-Za-z0-9_.-]+)+$`), example: "such as /shed/{{ key }}"}, region,
			},
		},
		loop.TargetDynamoDB: {
			resource: "dynamodb://<table>/<item>", method: "PutItem", body: "content", holds: true,
			fields: []word{
				{name: "table", form: text(`^[A-Za-z0-9_.-]{3,255}$`), example: "a table's name"},
				{name: "item", template: true, example: "the item's key, such as shed/{{ key }}"},
				{name: "key_name", optional: true, fallback: "pk", form: text(`^[A-Za-z0-9_.-]{1,255}$`), example: "the name of the table's partition key"},
				anyRegion,
			},
		},
		loop.TargetS3: {
			resource: "s3://<bucket>/<object>", method: "PutObject", body: "content", text: true, holds: true,
			fields: []word{
				{name: "bucket", form: text(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`), example: "a bucket's name"},
				{name: "object", template: true, form: text(`^[^/*?$][^*?$]*$`), example: "the object's key, such as shed/{{ key }}"},
				{name: "content_type", optional: true, fallback: "application/json"},
				region,
			},
		},
		loop.TargetAppConfig: {
			resource: "appconfig://<application>/<profile>", method: "CreateHostedConfigurationVersion", body: "content", text: true, holds: true,
			fields: []word{
				{name: "application", form: text(`^[a-z0-9]{4,7}$`), example: "the application's id, such as abc1234"},
				{name: "profile", form: text(`^[a-z0-9]{4,7}$`), example: "the configuration profile's id, such as def5678"},
				{name: "content_type", optional: true, fallback: "application/json"},
				region,
			},
		},
		loop.TargetAlarm: {
			resource: "alarm://<alarm>", method: "SetAlarmState", body: "reason", text: true, fallback: "{{ rule }}: {{ key }}",
			fields: []word{
				{name: "alarm", template: true, form: text(`^[^*?$]{1,255}$`), example: "the alarm's name"},
				{name: "state", optional: true, fallback: "{{ phase == 'do' ? 'ALARM' : 'OK' }}", template: true, form: text(`^(OK|ALARM|INSUFFICIENT_DATA|x)$`), example: "OK, ALARM or INSUFFICIENT_DATA"},
				region,
			},
		},
		loop.TargetMetric: {
			resource: "metric://<namespace>", method: "PutMetricData", body: "number", fallback: 1.0, attributes: "dimensions", prefix: loop.HeaderDimension,
			fields: []word{
				{name: "namespace", form: text(`^[A-Za-z0-9._/#-]{1,255}$`), example: "such as Shop/Responses"},
				{name: "metric", form: text(`^[ -~]{1,255}$`), example: "the metric's name"},
				{name: "unit", optional: true, fallback: "None", form: text(`^[A-Z][A-Za-z/]+$`), example: "such as Count or Milliseconds"},
				anyRegion,
			},
		},
		loop.TargetSlack: {
			method: "POST", body: "message", text: true, fallback: "{{ rule }}: {{ key }} ({{ phase }})",
			direct: []string{"url", "secret"}, preset: slack,
		},
		loop.TargetPagerDuty: {
			method: "POST", body: "details", direct: []string{"url", "secret"}, preset: pagerDuty,
			fields: []word{
				{name: "summary", optional: true, fallback: "{{ rule }}: {{ key }}", template: true},
				{name: "severity", optional: true, fallback: "critical", template: true, form: text(`^(critical|error|warning|info|x)$`), example: "critical, error, warning or info"},
				{name: "component", optional: true, fallback: "{{ key }}", template: true},
			},
		},
	}
})

func (s *spec) field(name string) (word, bool) {
	i := slices.IndexFunc(s.fields, func(f word) bool { return f.name == name })
	if i < 0 {
		return word{}, false
	}
	return s.fields[i], true
}

// names are the fields that an action of this target may have, beyond those that all have.
func (s *spec) names() map[string]bool {
	all := map[string]bool{}
	for _, f := range s.fields {
		all[f.name] = true
	}
	for _, name := range append([]string{s.body, s.attributes}, s.direct...) {
		if name != "" {
			all[name] = true
		}
	}
	return all
}

// places takes resource apart: a piece that is an expression names a field.
func (s *spec) places() []piece {
	var pieces []piece
	rest := s.resource
	for rest != "" {
		before, after, found := strings.Cut(rest, "<")
		if before != "" {
			pieces = append(pieces, piece{source: before})
		}
		if !found {
			break
		}
		name, after, _ := strings.Cut(after, ">")
		pieces = append(pieces, piece{source: name, isExpr: true})
		rest = after
	}
	return pieces
}

// exclusive says whether a resource of the class belongs to one (rule, key).
func exclusive(c loop.Class) bool { return c == loop.ClassFenced || c == loop.ClassSet }
