package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// everyMinute runs the observer from EventBridge Scheduler, by a role that may invoke it and nothing else. A
// missed minute is not retried: an old look at the world is worth less than the next one.
func (r region) everyMinute(observer awslambda.Function) {
	const scheduler = "scheduler"
	role := awsiam.NewRole(r.stack, jsii.String("SchedulerRole"), &awsiam.RoleProps{
		RoleName:    jsii.String(r.roleName(scheduler, r.name)),
		Description: jsii.String("unbroken: runs the observer in " + r.name),
		// The condition keeps other accounts' schedules from using the role.
		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]interface{}{
				"StringEquals": map[string]interface{}{"aws:SourceAccount": r.stack.Account()},
			},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"invoke": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{
				Statements: &[]awsiam.PolicyStatement{allow([]string{"lambda:InvokeFunction"}, observer.FunctionArn())},
			}),
		},
	})
	awsscheduler.NewCfnSchedule(r.stack, jsii.String("ObserverSchedule"), &awsscheduler.CfnScheduleProps{
		Name:               r.full(loop.FuncObserver),
		ScheduleExpression: jsii.String("rate(1 minute)"),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn:     observer.FunctionArn(),
			RoleArn: role.RoleArn(),
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: jsii.Number(60),
				MaximumRetryAttempts:     jsii.Number(0),
			},
		},
	})
}
