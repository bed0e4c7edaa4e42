// Command function is the Lambda of the end-to-end tests: it logs its event and what it is
// told to, sends the event where it is told to, and answers whether that went well.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type request struct {
	To    string `json:"to"` // the region to send to
	Queue string `json:"queue"`
	Print string `json:"print"` // a line for the log
}

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	fmt.Println("event:", string(event))
	var in request
	_ = json.Unmarshal(event, &in)
	if in.Print != "" {
		fmt.Println(in.Print)
	}
	if in.To == "" { // a trigger's event: report to a queue beside the function
		in = request{To: os.Getenv("AWS_REGION"), Queue: os.Getenv("REPORT_TO")}
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(in.To), config.WithRetryMaxAttempts(1))
	if err != nil {
		return nil, err
	}
	// The URL is computed, as the loop does it: no region asks another for it.
	url := "https://sqs." + in.To + ".amazonaws.com/000000000000/" + in.Queue
	_, err = sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: aws.String(string(event))})
	if err != nil {
		return map[string]string{"error": err.Error()}, nil
	}
	return map[string]string{"sent": url}, nil
}

func main() { lambda.Start(handle) }
