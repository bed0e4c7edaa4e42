package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/jsii-runtime-go"

	"example.com/unbroken/internal/loop"
)

// scheduled is a function that EventBridge Scheduler runs.
type scheduled struct {
	name     string
	function awslambda.Function
	rate     string
	maxAge   float64 // seconds after which a run that could not be started is dropped
}

// everyMinute: a missed minute is not retried: an old look at the world is worth less than the next one.
func everyMinute(name string, function awslambda.Function) scheduled {
	return scheduled{name, function, "rate(1 minute)", 60}
}

// everyHour goes on with the day's pass over claims, or finds that it is done with one read.
func everyHour(sweeper awslambda.Function) scheduled {
	return scheduled{loop.FuncSweeper, sweeper, "rate(1 hour)", 600}
}

// schedule runs the functions by a role that may invoke them and nothing else. A run that could not be started is dropped:
// the next one does all that it left. One that fails is tried twice more, for Scheduler invokes asynchronously and Lambda
// then does so; each of these functions begins from what it finds.
// https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func (r region) schedule(runs ...scheduled) {
	const scheduler = "scheduler"
	var functions []*string
	for _, run := range runs {
		functions = append(functions, run.function.FunctionArn())
	}
	role := awsiam.NewRole(r.stack, jsii.String("SchedulerRole"), &awsiam.RoleProps{
		RoleName:    jsii.String(r.roleName(scheduler, r.name)),
		Description: jsii.String("unbroken: runs what is scheduled in " + r.name),
		// The condition keeps other accounts' schedules from using the role.
		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]interface{}{
				"StringEquals": map[string]interface{}{"aws:SourceAccount": r.stack.Account()},
			},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"invoke": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{
				Statements: &[]awsiam.PolicyStatement{allow([]string{"lambda:InvokeFunction"}, functions...)},
			}),
		},
	})
	for _, run := range runs {
		awsscheduler.NewCfnSchedule(r.stack, jsii.String(constructID(run.name)+"Schedule"), &awsscheduler.CfnScheduleProps{
			Name:               r.full(run.name),
			ScheduleExpression: jsii.String(run.rate),
			FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn:     run.function.FunctionArn(),
				RoleArn: role.RoleArn(),
				RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
					MaximumEventAgeInSeconds: jsii.Number(run.maxAge),
					MaximumRetryAttempts:     jsii.Number(0),
				},
			},
		})
	}
}
