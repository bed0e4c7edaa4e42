// Package dynamo keeps the loop's state in DynamoDB, one concern a file:
//
//	claims.go     who holds an effect and what became of it   table claims, every region agrees
//	episodes.go   the state of each (rule, key)                table claims
//	scan.go        all of these, page by page                  table claims
//	windows.go    what signals meant to a (rule, key)          table outputs, own items only, readers merge
//	outputs*.go   last known good outputs: written, read, listed   table outputs, own items only, readers merge
//	documents.go  verdicts, region states, endpoints           table outputs
//
// The table `claims` has multi-region strong consistency: conditions see the latest version wherever they are
// checked. The table `outputs` is eventually consistent: conditions hold in the own region only, so that every
// region writes only items that carry its own name.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
//
// The package decides nothing; it implements the interfaces that act and decide declare.
package dynamo

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// API is the part of DynamoDB that is used here; *dynamodb.Client implements it.
type API interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

var _ API = (*dynamodb.Client)(nil)

// Retries of the SDK, for throttling and broken connections. They are few and short: whoever calls has a queue
// message to fall back on, and the SDK's own 20 s would outlast a claim.
const (
	maxAttempts = 3
	maxBackoff  = 500 * time.Millisecond
)

// Clients makes one DynamoDB client per region, at first use.
func Clients(cfg aws.Config) func(region string) API {
	var (
		mu      sync.Mutex
		clients = map[string]API{}
	)
	return func(region string) API {
		mu.Lock()
		defer mu.Unlock()
		c, ok := clients[region]
		if !ok {
			c = dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
				o.Region = region
				o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
					o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff
				})
			})
			clients[region] = c
		}
		return c
	}
}
