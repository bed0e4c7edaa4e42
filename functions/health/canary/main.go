// Command canary is the Lambda function that runs app.Canary.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
)

func main() {
	handler, err := app.Canary(context.Background(), app.FromEnvironment())
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
