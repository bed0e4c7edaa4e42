// Command poll is the Lambda function that runs app.IngestPoll.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
	"example.com/unbroken/internal/app/meter"
	"example.com/unbroken/internal/schema"
)

func main() {
	handler, err := app.IngestPoll(context.Background(), app.FromEnvironment(), meter.New, meter.Endpoints, schema.Compile)
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
