// Package queue is SQS: it sends to the queues of any loop region, measures them and, for the command line,
// drains them. It implements the Queue interfaces of ingest, decide and act.
//
// It knows names and bytes, not what a message means; a message is durably stored exactly where its error slot
// is nil. It never waits on its own account: how long a send may take is the caller's context.
package queue

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// API is the part of SQS that is used here; *sqs.Client implements it.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	StartMessageMoveTask(context.Context, *sqs.StartMessageMoveTaskInput, ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error)
	ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput, ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error)
}

// Config is what Queues need.
type Config struct {
	Account string
	Prefix  string
	Client  func(region string) API          // one client per region: see Clients
	Trace   func(ctx context.Context) string // X-Ray trace header to pass on; nil or "" for none
}

// Queues are the queues of a deployment, in every region. They are safe for concurrent use.
type Queues struct {
	cfg Config
}

var (
	_ act.Queue = (*Queues)(nil)
	_ API       = (*sqs.Client)(nil)
)

// New returns the queues of a deployment.
func New(c Config) *Queues {
	if c.Trace == nil {
		c.Trace = func(context.Context) string { return "" }
	}
	return &Queues{cfg: c}
}

func (q *Queues) url(region, queue string) *string {
	return aws.String(loop.QueueURL(region, q.cfg.Account, q.cfg.Prefix, queue))
}

// Retries of the SDK: one, at once, for a connection that broke. More would spend the caller's budget in hiding:
// ingest answers 503 within its second and the producer goes to another region.
const (
	maxAttempts = 2
	maxBackoff  = 50 * time.Millisecond
)

// Clients makes one SQS client per region, at first use: a queue URL names the region, but the request is signed
// for the client's.
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
			c = sqs.NewFromConfig(cfg, func(o *sqs.Options) {
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
