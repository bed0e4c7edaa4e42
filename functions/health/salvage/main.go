// Command salvage is the Lambda function that runs app.Salvage.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
)

func main() {
	handler, err := app.Salvage(context.Background(), app.FromEnvironment())
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
