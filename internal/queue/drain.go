package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Receive takes up to ten messages, waiting up to wait (at most 20 s) for the first; each is hidden from others
// for hold, which is a second at least: the SDK leaves a zero out. Lambda polls for
// the chain; this is for moving messages from one queue to another.
func (q *Queues) Receive(ctx context.Context, region, queue string, limit int, wait, hold time.Duration) ([]loop.Received, error) {
	out, err := q.cfg.Client(region).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            q.url(region, queue),
		MaxNumberOfMessages: int32(min(max(limit, 1), maxEntries)),
		WaitTimeSeconds:     seconds(min(wait, 20*time.Second)),
		VisibilityTimeout:   seconds(max(hold, time.Second)),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameAWSTraceHeader, types.MessageSystemAttributeNameMessageGroupId,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("receive from %s in %s: %w", queue, region, err)
	}
	msgs := make([]loop.Received, len(out.Messages))
	for i, m := range out.Messages {
		receives, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
		msgs[i] = loop.Received{
			Message: loop.Message{
				ID: aws.ToString(m.MessageId), Body: []byte(aws.ToString(m.Body)), Receives: receives,
				Trace: m.Attributes[string(types.MessageSystemAttributeNameAWSTraceHeader)],
			},
			Handle: aws.ToString(m.ReceiptHandle),
			Group:  m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
		}
		if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
			msgs[i].SentAt = time.UnixMilli(ms).UTC()
		}
	}
	return msgs, nil
}

// Delete acknowledges received messages, all in batches of ten. A message whose deletion failed comes again.
func (q *Queues) Delete(ctx context.Context, region, queue string, handles []string) error {
	err := inBatches(handles, func(batch []string) ([]types.BatchResultErrorEntry, error) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(batch))
		for i, h := range batch {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(h)}
		}
		out, err := q.cfg.Client(region).DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: q.url(region, queue), Entries: entries})
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
	if err != nil {
		return fmt.Errorf("delete from %s in %s: %w", queue, region, err)
	}
	return nil
}

// Return gives received messages back: they are visible again at once. One that could not be given back is when its hold
// ends.
func (q *Queues) Return(ctx context.Context, region, queue string, handles []string) error {
	err := inBatches(handles, func(batch []string) ([]types.BatchResultErrorEntry, error) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(batch))
		for i, h := range batch {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(h)}
		}
		out, err := q.cfg.Client(region).ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: q.url(region, queue), Entries: entries})
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
	if err != nil {
		return fmt.Errorf("give back to %s in %s: %w", queue, region, err)
	}
	return nil
}

// inBatches asks for as many messages at once as SQS takes, a few batches at a time: thousands may have to be given back
// across the continent. What fails of one batch keeps no other.
func inBatches(handles []string, ask func(batch []string) ([]types.BatchResultErrorEntry, error)) error {
	batches := slices.Collect(slices.Chunk(handles, maxEntries))
	errs := make([]error, len(batches))
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i, batch := range batches {
		group.Go(func() error {
			failed, err := ask(batch)
			for _, f := range failed {
				err = errors.Join(err, fmt.Errorf("refused as %s: %s", aws.ToString(f.Code), aws.ToString(f.Message)))
			}
			errs[i] = err
			return nil
		})
	}
	_ = group.Wait() // the functions above never fail; each fills its own slot
	return errors.Join(errs...)
}
