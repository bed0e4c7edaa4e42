// Command archive is the Lambda function that runs app.Archive.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
	"example.com/unbroken/internal/app/shelf"
)

func main() {
	handler, err := app.Archive(context.Background(), app.FromEnvironment(), shelf.New)
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
