package main

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestAlarms(t *testing.T) {
	for stack, tmpl := range made.pair.stacks {
		if stack == "ub-dns" {
			continue
		}
		alarms := map[string]map[string]any{}
		for _, r := range tmpl.Resources {
			if r.Type != "AWS::CloudWatch::Alarm" {
				continue
			}
			alarms[strings.TrimPrefix(text(r.Properties["AlarmName"]), "ub-")] = r.Properties
			actions := list(r.Properties["AlarmActions"])
			if len(actions) != 1 || text(tmpl.resource(text(actions[0]))["TopicName"]) != "ub-alarms" {
				t.Errorf("%s %v pages nobody", stack, r.Properties["AlarmName"])
			}
		}
		// Of two deployments in one account one must not speak for the other: where both wrote one metric, its data would hide
		// that all observers of one are silent, and its objections would take the other's regions out of DNS.
		for _, name := range []string{"observers-silent", "observer-finds", "observer-objects-us-east-2", "observer-objects-us-west-2"} {
			if got := dimension(alarms[name], "Deployment"); got != "ub" {
				t.Errorf("%s: %s is told by every deployment: of %q", stack, name, got)
			}
		}
		if a := alarms["observers-silent"]; a["MetricName"] != "SilentObservers" || dimension(a, "Function") != loop.FuncObserver || a["Threshold"] != 0.0 ||
			a["ComparisonOperator"] != "GreaterThanThreshold" {
			t.Errorf("%s: the silence of the others pages nobody: %v", stack, a)
		} else if a["TreatMissingData"] != "breaching" || a["EvaluationPeriods"] != 3.0 || a["Period"] != 60.0 {
			t.Errorf("%s: the silence of its own observer pages nobody: %v", stack, a)
		}
		if a := alarms["observer-finds"]; a["MetricName"] != "ObserverFound" || dimension(a, "Function") != loop.FuncObserver || a["Threshold"] != 0.0 {
			t.Errorf("%s: what its observer finds pages nobody: %v", stack, a)
		}
		for _, judged := range []string{"us-east-2", "us-west-2"} {
			if a := alarms["observer-objects-"+judged]; a["TreatMissingData"] != "missing" || a["Period"] != 60.0 || a["Statistic"] != "Minimum" || a["Threshold"] != 1.0 {
				t.Errorf("%s: objection alarm against %s: %v", stack, judged, a)
			}
		}
		if stack == "ub-us-east-1" {
			continue
		}
		for _, queue := range loop.Queues() {
			dead := loop.DeadLetter(queue)
			if a := alarms[dead+"-messages"]; a["MetricName"] != visibleMessages || a["Threshold"] != 0.0 || dimension(a, "QueueName") != "ub-"+dead {
				t.Errorf("%s: no alarm on messages in %s: %v", stack, dead, a)
			}
			// Up to 4 of the 14 days may be gone when a message arrives, and the metric does not show them.
			if a := alarms[dead+"-age"]; a["MetricName"] != oldestMessage || a["Threshold"].(float64) >= (14-4)*86400 {
				t.Errorf("%s: no timely alarm on the age of %s: %v", stack, dead, a)
			}
			if a := alarms[queue+"-age"]; a["MetricName"] != oldestMessage || dimension(a, "QueueName") != "ub-"+queue {
				t.Errorf("%s: no alarm on the age of %s: %v", stack, queue, a)
			}
		}
		if a := alarms["claims-overdue"]; a["MetricName"] != "Overdue" || dimension(a, "Function") != loop.FuncSweeper || a["Threshold"] != 0.0 {
			t.Errorf("%s: what is overdue pages nobody: %v", stack, a)
		}
		if a := alarms["rule-stopped"]; a["MetricName"] != "RulesStopped" || dimension(a, "Function") != loop.FuncAct || a["Threshold"] != 0.0 {
			t.Errorf("%s: a rule that stops itself pages nobody: %v", stack, a)
		}
		if a := alarms["sweeper-silent"]; a["TreatMissingData"] != "breaching" || a["Period"] != 3600.0 || a["Threshold"] != 1.0 {
			t.Errorf("%s: a silent sweeper pages nobody: %v", stack, a)
		}
		for _, f := range append(chainFunctions(), loop.FuncObserver, loop.FuncCanary, loop.FuncSweeper, loop.FuncSalvage) {
			if a := alarms[f+"-errors"]; a["MetricName"] != "Errors" || dimension(a, "FunctionName") != "ub-"+f {
				t.Errorf("%s: no alarm on errors of %s: %v", stack, f, a)
			}
		}
		// What Lambda refuses to run is noticed by what waits for it: the queues above, and the API.
		if a := alarms["api-5xx"]; a["MetricName"] != "5xx" || a["Namespace"] != "AWS/ApiGateway" {
			t.Errorf("%s: no alarm on what the API could not answer: %v", stack, a)
		}
	}
}

// An alarm's change that Lambda refuses waits for up to six hours where no queue shows it, and a poll that is refused is not made:
// neither has a queue, an API or an observer that notices.
func TestThrottlesOfWhatNothingWaitsForPage(t *testing.T) {
	for _, c := range []struct {
		a        assembly
		function string
	}{{made.targets, loop.FuncIngestAlarm}, {made.archived, loop.FuncIngestPoll}} {
		n := 0
		c.a.each("AWS::CloudWatch::Alarm", func(_, _ string, r resource) {
			if p := r.Properties; text(p["AlarmName"]) == "ub-"+c.function+"-throttles" && p["MetricName"] == "Throttles" && dimension(p, "FunctionName") == "ub-"+c.function {
				n++
			}
		})
		if n != 2 {
			t.Errorf("%s is refused, and %d of 2 regions page", c.function, n)
		}
	}
}

func dimension(alarm map[string]any, name string) string {
	for _, d := range list(alarm["Dimensions"]) {
		if get(d, "Name") == name {
			return text(get(d, "Value"))
		}
	}
	return ""
}

// Enforcing TLS replaces a topic's default policy, and with it CloudWatch's permission to publish.
func TestAlarmsMayPublish(t *testing.T) {
	for _, typ := range []struct{ name, document, action string }{
		{"AWS::SNS::TopicPolicy", "PolicyDocument", "sns:Publish"},
		{"AWS::KMS::Key", "KeyPolicy", "kms:Decrypt"},
	} {
		n := 0
		made.pair.each(typ.name, func(_, _ string, r resource) {
			for _, s := range list(get(r.Properties, typ.document, "Statement")) {
				if text(get(s, "Principal", "Service")) == "cloudwatch.amazonaws.com" && strings.Contains(text(get(s, "Action")), typ.action) {
					n++
				}
			}
		})
		if n != 3 {
			t.Errorf("%d of 3 regions let CloudWatch %s", n, typ.action)
		}
	}
	// Each rotation costs what a key costs, every month from then on.
	made.pair.each("AWS::KMS::Key", func(stack, _ string, r resource) {
		if r.Properties["EnableKeyRotation"] != true || r.Properties["RotationPeriodInDays"] != 2560.0 {
			t.Errorf("%s: a key rotates %v every %v days", stack, r.Properties["EnableKeyRotation"], r.Properties["RotationPeriodInDays"])
		}
	})
}

func TestRoutesAreAuthorizedButHealth(t *testing.T) {
	for stack, tmpl := range made.pair.loopStacks() {
		auth := map[string]any{}
		var stage map[string]any
		for _, r := range tmpl.Resources {
			switch r.Type {
			case "AWS::ApiGatewayV2::Route":
				auth[text(r.Properties["RouteKey"])] = r.Properties["AuthorizationType"]
			case "AWS::ApiGatewayV2::Stage":
				stage = r.Properties
			}
		}
		for _, route := range []string{
			"POST /v1/signals/{input}", routeCanary, "GET /v1/outputs", "HEAD /v1/outputs", "GET /v1/outputs/{proxy+}", "HEAD /v1/outputs/{proxy+}",
		} {
			if auth[route] != "AWS_IAM" {
				t.Errorf("%s %s: authorization %v", stack, route, auth[route])
			}
		}
		if auth[routeHealth] != "NONE" || len(auth) != 7 {
			t.Errorf("%s: routes %v", stack, auth)
		}
		if get(stage, "DefaultRouteSettings", "ThrottlingRateLimit") == nil || get(stage, "RouteSettings", routeHealth, "ThrottlingRateLimit") == nil || get(stage, "RouteSettings", routeCanary, "ThrottlingRateLimit") == nil {
			t.Errorf("%s: the stage, health or the canary has no throttle: %v", stack, stage)
		}
		if get(stage, "AccessLogSettings", "DestinationArn") == nil {
			t.Errorf("%s: no access log", stack)
		}
		if tmpl.Outputs["Endpoint"] == nil {
			t.Errorf("%s: no Endpoint output", stack)
		}
	}
}

// A region is answered when its endpoint is well and at least two of three observers do not object.
func TestRegionCheckIsEndpointAndTwoObservers(t *testing.T) {
	dns := made.pair.stacks["ub-dns"]
	calculated := 0
	for _, r := range dns.Resources {
		if r.Type != "AWS::Route53::HealthCheck" || get(r.Properties, "HealthCheckConfig", "Type") != "CALCULATED" {
			continue
		}
		calculated++
		endpoints, observers := 0, map[string]bool{}
		for _, child := range list(get(r.Properties, "HealthCheckConfig", "ChildHealthChecks")) {
			config, _ := get(dns.resource(text(child)), "HealthCheckConfig").(map[string]any)
			switch config["Type"] {
			case "HTTPS":
				endpoints++
				if places := list(config["Regions"]); len(places) < 3 { // Route 53 takes no fewer
					t.Errorf("an endpoint is seen from %v", places)
				}
			case "CLOUDWATCH_METRIC":
				observers[text(get(config, "AlarmIdentifier", "Region"))] = true
				if config["InsufficientDataHealthStatus"] != "Healthy" {
					t.Errorf("silence votes: %v", config)
				}
			default:
				t.Errorf("calculated checks cannot nest, and nothing else counts: %v", config)
			}
		}
		if endpoints != 2 || len(observers) != 3 || get(r.Properties, "HealthCheckConfig", "HealthThreshold") != 4.0 {
			t.Errorf("%d endpoints, observers %v: %v", endpoints, observers, r.Properties)
		}
	}
	if calculated != 2 {
		t.Errorf("%d regions are checked, want 2", calculated)
	}
	for _, r := range dns.Resources {
		if r.Type == "AWS::Route53::RecordSet" && r.Properties["HealthCheckId"] == nil {
			t.Errorf("record without a health check: %v", r.Properties)
		}
	}
}
