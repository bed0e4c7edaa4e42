package target

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// SQSAPI is the part of SQS that is used here; *sqs.Client implements it.
type SQSAPI interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// SQS sends to a queue. A FIFO queue drops a second message of the same effect for five minutes; on a standard
// queue the effect's id is an attribute, by which a consumer can.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
func SQS(clients Clients[SQSAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		queue, err := resource(r)
		if err != nil {
			return refused("queue: " + err.Error())
		}
		in := &sqs.SendMessageInput{
			QueueUrl: aws.String(queueURL(queue)), MessageBody: &r.Body,
			MessageAttributes: map[string]types.MessageAttributeValue{},
		}
		for name, value := range messageAttributes(e, r) {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
		if e.Class == loop.ClassKeyed {
			in.MessageDeduplicationId, in.MessageGroupId = &e.ID, aws.String(r.Headers["group"])
		}
		ctx, call := watch(ctx)
		out, err := clients(queue.Region).SendMessage(ctx, in)
		if err != nil {
			return call.answer(err)
		}
		return delivered("message %s", aws.ToString(out.MessageId))
	})
}

// queueURL computes a queue's URL from its ARN.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
func queueURL(queue arn.ARN) string {
	suffix := "amazonaws.com"
	if queue.Partition == "aws-cn" {
		suffix += ".cn"
	}
	return fmt.Sprintf("https://sqs.%s.%s/%s/%s", queue.Region, suffix, queue.AccountID, queue.Resource)
}
