package target

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// StepFunctionsAPI is the part of Step Functions that is used here; *sfn.Client implements it.
type StepFunctionsAPI interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// StepFunctions starts an execution whose name is the effect's id. A Standard state machine answers a second start
// with the first execution while that runs, and with ExecutionAlreadyExists for 90 days after it: the name is
// made from what was decided, so an execution of this name is this effect.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
func StepFunctions(clients Clients[StepFunctionsAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		machine, err := resource(r)
		if err != nil {
			return refused("state_machine: " + err.Error())
		}
		ctx, call := watch(ctx)
		out, err := clients(machine.Region).StartExecution(ctx, &sfn.StartExecutionInput{
			StateMachineArn: &r.URL, Name: &e.ID, Input: &r.Body,
		})
		if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
			return delivered("execution %s exists already", e.ID)
		}
		if err != nil {
			return call.answer(err)
		}
		return delivered("execution %s", aws.ToString(out.ExecutionArn))
	})
}
