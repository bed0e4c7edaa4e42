// Command deliver is the Lambda function that runs app.Act.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
	"example.com/unbroken/internal/app/targets"
)

func main() {
	handler, err := app.Act(context.Background(), app.FromEnvironment(), targets.All)
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
