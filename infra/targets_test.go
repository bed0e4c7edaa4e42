package main

import (
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

const account = "123456789012"

// targets are an action for each target, some of them twice.
func targets() map[string]loop.Action {
	to := func(target string, fields ...string) loop.Action {
		a := loop.Action{To: target, Fields: map[string]string{}}
		for i := 0; i+1 < len(fields); i += 2 {
			a.Fields[fields[i]] = fields[i+1]
		}
		return a
	}
	slack := to(loop.TargetSlack)
	slack.Secret = "ssm:/ub/slack"
	return map[string]loop.Action{
		"topic":   to(loop.TargetSNS, "topic", "arn:aws:sns:eu-west-1:"+account+":alerts"),
		"topic2":  to(loop.TargetSNS, "topic", "arn:aws:sns:us-east-2:"+account+":alerts.fifo"),
		"again":   to(loop.TargetSNS, "topic", "arn:aws:sns:us-east-2:"+account+":alerts.fifo"),
		"queue":   to(loop.TargetSQS, "queue", "arn:aws:sqs:us-east-2:"+account+":work"),
		"bus":     to(loop.TargetEventBridge, "bus", "arn:aws:events:us-east-2:"+account+":event-bus/ops"),
		"fn":      to(loop.TargetLambda, "function", "arn:aws:lambda:us-east-2:"+account+":function:restart:live"),
		"machine": to(loop.TargetStepFunctions, "state_machine", "arn:aws:states:us-east-2:"+account+":stateMachine:rollback"),
		"param":   to(loop.TargetSSM, "parameter", "/shed/{{ key }}", "region", "us-west-2"),
		"item":    to(loop.TargetDynamoDB, "table", "flags", "item", "shed/{{ key }}", "region", "own"),
		"object":  to(loop.TargetS3, "bucket", "flags", "object", "shed/{{ key }}.json", "region", "us-east-2"),
		"profile": to(loop.TargetAppConfig, "application", "abc1234", "profile", "def5678", "region", "us-east-2"),
		"alarm":   to(loop.TargetAlarm, "alarm", "shop-errors", "region", "us-east-2"),
		"metric":  to(loop.TargetMetric, "namespace", "Shop", "metric", "shed", "region", "us-east-2"),
		"slack":   slack,
	}
}

// What act may do at targets, from us-west-2, in full.
func TestActReachesDeclaredTargetsAndNoOthers(t *testing.T) {
	want := []string{
		"ssm:GetParameter arn:aws:ssm:us-west-2:123456789012:parameter/ub/page arn:aws:ssm:us-west-2:123456789012:parameter/ub/slack",
		"cloudwatch:DescribeAlarms,cloudwatch:SetAlarmState arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-errors",
		"appconfig:ListHostedConfigurationVersions,appconfig:CreateHostedConfigurationVersion " +
			"arn:aws:appconfig:us-east-2:123456789012:application/abc1234 arn:aws:appconfig:us-east-2:123456789012:application/abc1234/configurationprofile/def5678",
		"dynamodb:PutItem arn:aws:dynamodb:us-west-2:123456789012:table/flags",
		"events:PutEvents arn:aws:events:us-east-2:123456789012:event-bus/ops",
		"lambda:InvokeFunction arn:aws:lambda:us-east-2:123456789012:function:restart:live",
		"s3:GetObject,s3:PutObject arn:aws:s3:::flags/shed/*.json",
		"sns:Publish arn:aws:sns:eu-west-1:123456789012:alerts arn:aws:sns:us-east-2:123456789012:alerts.fifo",
		"sqs:SendMessage arn:aws:sqs:us-east-2:123456789012:work",
		"ssm:GetParameterHistory,ssm:PutParameter arn:aws:ssm:us-west-2:123456789012:parameter/shed/*",
		"states:StartExecution arn:aws:states:us-east-2:123456789012:stateMachine:rollback",
		"s3:ListBucket arn:aws:s3:::flags",
		"cloudwatch:PutMetricData *",
	}
	eachRole(t, made.targets, func(name string, all []statement) {
		var got []string
		for _, s := range all {
			line := strings.Join(s.actions, ",") + " " + strings.Join(s.resources, " ")
			if slices.Contains(want, line) || name == "ub-act-us-west-2" {
				got = append(got, line)
			}
			if slices.Contains(s.actions, "cloudwatch:PutMetricData") && name == "ub-act-us-west-2" && text(list(get(s.condition, "StringEquals", "cloudwatch:namespace"))[0]) != "Shop" {
				t.Errorf("%s may write metrics to %v", name, s.condition)
			}
		}
		switch name {
		case "ub-act-us-west-2":
			for _, line := range want {
				if !slices.Contains(got, line) {
					t.Errorf("%s may not %s\ngot\n%s", name, line, strings.Join(got, "\n"))
				}
			}
			if n := len(want) + 9; len(got) != n { // 8 of the loop itself and its log
				t.Errorf("%d statements, want %d:\n%s", len(got), n, strings.Join(got, "\n"))
			}
		case "ub-act-us-east-2", "ub-observer-us-east-2", "ub-observer-us-west-2", "ub-observer-us-east-1":
		default:
			if len(got) > 0 {
				t.Errorf("%s may %v", name, got)
			}
		}
	})
}

func TestTemplatesOfTargetsAreClean(t *testing.T) {
	for _, f := range made.targets.findings {
		t.Error(f)
	}
}
