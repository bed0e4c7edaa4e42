// Command queue is the Lambda function that runs app.IngestQueue.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
	"example.com/unbroken/internal/schema"
)

func main() {
	handler, err := app.IngestQueue(context.Background(), app.FromEnvironment(), schema.Compile)
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
