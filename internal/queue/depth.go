package queue

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Depth says how many messages are waiting, in someone's hands and delayed. SQS counts approximately, so the
// numbers are for observers and people, never for a condition.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-best-practices-message-character.html
func (q *Queues) Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := q.cfg.Client(region).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: q.url(region, queue), AttributeNames: names})
	if err != nil {
		return 0, 0, 0, fmt.Errorf("measure %s in %s: %w", queue, region, err)
	}
	counts := make([]int, len(names))
	for i, name := range names {
		// A count that is missing must not look like an empty queue.
		if counts[i], err = strconv.Atoi(out.Attributes[string(name)]); err != nil {
			return 0, 0, 0, fmt.Errorf("measure %s in %s: %s is %q", queue, region, name, out.Attributes[string(name)])
		}
	}
	return counts[0], counts[1], counts[2], nil
}
