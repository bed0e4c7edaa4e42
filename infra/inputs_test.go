package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func inputs() map[string]loop.Input {
	return map[string]loop.Input{
		"default": {Kind: loop.KindHTTP, Auth: loop.AuthIAM},
		"inbox":   {Kind: loop.KindQueue},
		"alarms": {Kind: loop.KindAlarm, Topics: []string{
			"arn:aws:sns:us-east-2:123456789012:alarms", "arn:aws:sns:us-west-2:123456789012:alarms",
		}},
		"am-prod": {Kind: loop.KindHTTP, Auth: loop.AuthBearer, Credentials: []loop.Credential{
			{Secrets: []string{"ssm:/ub/am", "ssm:/aws/reference/secretsmanager/am"}},
		}},
	}
}

// An input that checks its callers itself has a route of its own without IAM; all others go on being signed.
func TestAnInputWithItsOwnCredentialsHasItsOwnRoute(t *testing.T) {
	for stack, tmpl := range made.targets.loopStacks() {
		auth := map[string]any{}
		for _, r := range tmpl.Resources {
			if r.Type == "AWS::ApiGatewayV2::Route" && strings.HasPrefix(text(r.Properties["RouteKey"]), "POST ") {
				auth[text(r.Properties["RouteKey"])] = r.Properties["AuthorizationType"]
			}
		}
		if len(auth) != 3 || auth[routeCanary] != "AWS_IAM" || auth["POST /v1/signals/{input}"] != "AWS_IAM" || auth["POST /v1/signals/am-prod"] != "NONE" {
			t.Errorf("%s: %v", stack, auth)
		}
	}
}

// ingest-http reads the secrets of its producers and no others; no other way in reads any.
func TestIngestReadsTheSecretsOfItsProducers(t *testing.T) {
	seen := 0
	eachRole(t, made.targets, func(name string, all []statement) {
		for _, s := range all {
			if !slices.Contains(s.actions, "ssm:GetParameter") && !slices.Contains(s.actions, "secretsmanager:GetSecretValue") {
				continue
			}
			for _, arn := range s.resources {
				mine := strings.Contains(arn, "parameter/ub/am") || strings.Contains(arn, "secretsmanager/am") || strings.Contains(arn, ":secret:am-??????")
				if mine != strings.HasPrefix(name, "ub-ingest-http-") {
					t.Errorf("%s reads %s", name, arn)
				}
				if mine {
					seen++
				}
			}
		}
	})
	if seen != 2*3 {
		t.Errorf("%d grants in two regions", seen)
	}
}

// Alarms come by their own region's bus and topics; who else would call the function is refused, what it cannot take
// is kept, and its role may do what the inbox's may.
func TestAlarmsComeByTheirOwnRegion(t *testing.T) {
	for stack, tmpl := range made.targets.loopStacks() {
		in := strings.TrimPrefix(stack, "ub-")
		callers, subscribed := map[string]string{}, []string{}
		for _, r := range tmpl.Resources {
			p := r.Properties
			switch r.Type {
			case "AWS::Lambda::Permission":
				if principal := text(p["Principal"]); principal != "apigateway.amazonaws.com" {
					callers[principal] = text(p["SourceArn"])
				}
			case "AWS::SNS::Subscription":
				if text(p["Protocol"]) == "lambda" {
					subscribed = append(subscribed, text(p["TopicArn"]))
				}
			case "AWS::Events::Rule":
				own := get(p, "EventPattern", "detail", "alarmName")
				if len(list(own)) != 1 || text(get(list(own)[0], "anything-but", "prefix")) != "ub-" {
					t.Errorf("%s: the loop's own alarms come in: %v", stack, own)
				}
			case "AWS::Lambda::Function":
				if text(p["FunctionName"]) == "ub-ingest-alarm" && !strings.HasSuffix(text(get(p, "DeadLetterConfig", "TargetArn")), ":ub-inbox-dlq") {
					t.Errorf("%s: what fails is lost: %v", stack, p["DeadLetterConfig"])
				}
			}
		}
		topic := "arn:aws:sns:" + in + ":123456789012:alarms"
		if callers["events.amazonaws.com"] == "" || callers["sns.amazonaws.com"] != topic || len(callers) != 2 || !slices.Equal(subscribed, []string{topic}) {
			t.Errorf("%s: called by %v, subscribed to %v", stack, callers, subscribed)
		}
	}
	made.pair.each("AWS::Events::Rule", func(stack, id string, _ resource) { t.Errorf("%s has %s without an input of kind alarm", stack, id) })
	seen := 0
	eachRole(t, made.targets, func(name string, all []statement) {
		if !strings.HasPrefix(name, "ub-ingest-alarm-us-east-2") {
			return
		}
		for _, s := range all {
			if !isTelemetry(s) {
				seen++
				if !slices.Contains([]string{"sqs:SendMessage", "dynamodb:PutItem"}, strings.Join(s.actions, ",")) {
					t.Errorf("%s may %v", name, s.actions)
				}
			}
		}
	})
	if seen != 2 {
		t.Errorf("%d grants", seen)
	}
}
