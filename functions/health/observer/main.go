// Command observer is the Lambda function that runs app.Observer.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"example.com/unbroken/internal/app"
	"example.com/unbroken/internal/app/gauge"
)

func main() {
	handler, err := app.Observer(context.Background(), app.FromEnvironment(), app.CloudWatch{Gauge: gauge.New, Metrics: gauge.NewMetrics})
	if err != nil {
		app.Exit(err)
	}
	lambda.Start(handler)
}
