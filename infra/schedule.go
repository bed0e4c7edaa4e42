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
	retries  float64 // of a call of Lambda that failed
	maxAge   float64 // seconds after which a run that could not be started is dropped
}

// everyMinute: one run of canaries that does not happen may be enough to drain a region (loop.DefaultBounds), so that a call
// of Lambda that failed is made again, at no price but that of the run. Not beyond a minute, the least that there is: then the
// next run looks at the world, or sends.
func everyMinute(name string, function awslambda.Function) scheduled {
	return scheduled{name, function, "rate(1 minute)", 2, 60}
}

// everyHour goes on with the day's pass over claims, or finds that it is done with one read.
func everyHour(sweeper awslambda.Function) scheduled {
	return scheduled{loop.FuncSweeper, sweeper, "rate(1 hour)", 0, 600}
}

// schedule runs the functions by a role that may invoke them and nothing else. Scheduler invokes asynchronously, so that its
// retries are of the call alone. Once Lambda has the event, one that is throttled is tried again from a second later on, and
// one that fails after a minute and after three; each of these functions begins from what it finds, and bears a second run
// beside it.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
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
					MaximumRetryAttempts:     jsii.Number(run.retries),
				},
			},
		})
	}
}
