// Command http is the Lambda function that runs app.IngestHTTP.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
	"example.com/unbroken/internal/app/secrets"
)

func main() {
	handler, err := app.IngestHTTP(context.Background(), app.FromEnvironment(), secrets.New)
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
