// Command http is the Lambda function that runs app.IngestHTTP.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
	"example.com/unbroken/internal/app/secrets"
	"example.com/unbroken/internal/schema"
)

func main() {
	handler, err := app.IngestHTTP(context.Background(), app.FromEnvironment(), secrets.New, schema.Compile)
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
