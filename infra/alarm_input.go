package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// alarmInput is the input of kind alarm, where loop.yaml declares one.
func (r region) alarmInput() (loop.Input, bool) {
	for _, in := range r.cfg.Inputs {
		if in.Kind == loop.KindAlarm {
			return in, true
		}
	}
	return loop.Input{}, false
}

// alarmWays lead the alarms of this region and account to the function: all their changes by EventBridge, and what
// they send to the topics that the input names. EventBridge tries for a day to hand an event to Lambda; what the
// function then fails on three times lies on inbox-dlq, whose redrive the inbox understands.
//
// The loop's own alarms are for people. Rules that acted on them would run on the loop's own trouble.
func (r region) alarmWays(f awslambda.Function, in loop.Input) {
	rule := awsevents.NewCfnRule(r.stack, jsii.String("AlarmChanges"), &awsevents.CfnRuleProps{
		Name:        r.full("alarm-changes"),
		Description: jsii.String("unbroken: changes of CloudWatch alarms to " + loop.FuncIngestAlarm),
		EventPattern: map[string]any{
			"source":      []string{"aws.cloudwatch"},
			"detail-type": []string{"CloudWatch Alarm State Change"},
			"detail":      map[string]any{"alarmName": []any{map[string]any{"anything-but": map[string]any{"prefix": r.cfg.Prefix + "-"}}}},
		},
		Targets: []any{&awsevents.CfnRule_TargetProperty{Id: jsii.String("ingest"), Arn: f.FunctionArn()}},
	})
	r.mayInvoke("AlarmChangesPermission", f, "events.amazonaws.com", rule.AttrArn())
	for i, topic := range in.Topics {
		// A topic calls a function of its own region.
		if strings.Split(topic, ":")[3] != r.name {
			continue
		}
		id := "AlarmTopic" + string(rune('A'+i))
		r.mayInvoke(id+"Permission", f, "sns.amazonaws.com", jsii.String(topic))
		awssns.NewCfnSubscription(r.stack, jsii.String(id), &awssns.CfnSubscriptionProps{
			Protocol: jsii.String("lambda"), TopicArn: jsii.String(topic), Endpoint: f.FunctionArn(),
		})
	}
}

// mayInvoke lets a service call the function for one resource, and for no other.
func (r region) mayInvoke(id string, f awslambda.Function, service string, source *string) {
	awslambda.NewCfnPermission(r.stack, jsii.String(id), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: f.FunctionName(),
		Principal: jsii.String(service), SourceArn: source,
	})
}
