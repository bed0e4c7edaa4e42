package target

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// LambdaAPI is the part of Lambda that is used here; *lambda.Client implements it.
type LambdaAPI interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Lambda invokes a function asynchronously: it is delivered once Lambda has queued it. Lambda itself may run a
// queued event more than once; the client context carries the effect's id, by which the function can tell.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func Lambda(clients Clients[LambdaAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		function, err := resource(r)
		if err != nil {
			return refused("function: " + err.Error())
		}
		custom := fmt.Sprintf(`{"custom":{%q:%q}}`, loop.AttributeEffect, e.ID)
		ctx, call := watch(ctx)
		out, err := clients(function.Region).Invoke(ctx, &lambda.InvokeInput{
			FunctionName: &r.URL, InvocationType: types.InvocationTypeEvent, Payload: []byte(r.Body),
			ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(custom))),
		})
		if err != nil {
			return call.answer(err)
		}
		return delivered("answered %d", out.StatusCode)
	})
}
