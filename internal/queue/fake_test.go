package queue

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// fake is SQS with an answer per call; a nil answer stores everything.
type fake struct {
	API
	answer   func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
	depth    map[string]string
	receive  func(*sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error)
	giveBack func(*sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	remove   func(*sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error)

	mu    sync.Mutex
	calls []*sqs.SendMessageBatchInput
}

var errDown = errors.New("down")

func (f *fake) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, in)
	if f.answer != nil {
		return f.answer(in)
	}
	return allStored(in), ctx.Err()
}

func allStored(in *sqs.SendMessageBatchInput) *sqs.SendMessageBatchOutput {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out
}

func (f *fake) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	if f.depth == nil {
		return nil, errDown
	}
	return &sqs.GetQueueAttributesOutput{Attributes: f.depth}, nil
}

func (f *fake) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.remove(in)
}

func (f *fake) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return f.giveBack(in)
}

func (f *fake) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return f.receive(in)
}

func (f *fake) queues() *Queues {
	return New(Config{Account: "123456789012", Prefix: "p", Client: func(string) API { return f }})
}
