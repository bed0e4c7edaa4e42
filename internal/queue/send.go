package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// concurrency bounds the calls of one Send, Delete or Return that are under way at once.
const concurrency = 8

// errUnanswered: SQS named the entry neither as sent nor as failed, so it does not count as stored.
var errUnanswered = errors.New("the answer does not name this message")

// Send stores the messages and returns one error slot per message; nil means durably stored. A batch may fail in
// part, so every entry has an answer of its own.
func (q *Queues) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	errs := make([]error, len(msgs))
	bodies := make([]string, len(msgs))
	for i, m := range msgs {
		bodies[i], errs[i] = text(m.Body)
	}
	trace := q.cfg.Trace(ctx)
	var group errgroup.Group
	group.SetLimit(concurrency)
	for _, batch := range split(bodies, errs) {
		group.Go(func() error {
			entries := make([]types.SendMessageBatchRequestEntry, len(batch))
			for n, i := range batch {
				entries[n] = entry(n, bodies[i], msgs[i], trace)
			}
			answers := q.sendBatch(ctx, region, queue, entries)
			for n, i := range batch {
				if answers[n] != nil {
					errs[i] = fmt.Errorf("send to %s in %s: %w", queue, region, answers[n])
				}
			}
			return nil
		})
	}
	_ = group.Wait() // the functions above never fail; each fills its own slots
	return errs
}

// sendBatch returns one answer per entry; the id of an entry is its index.
func (q *Queues) sendBatch(ctx context.Context, region, queue string, entries []types.SendMessageBatchRequestEntry) []error {
	answers := make([]error, len(entries))
	out, err := q.cfg.Client(region).SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
		QueueUrl: q.url(region, queue), Entries: entries,
	})
	if err == nil {
		err = errUnanswered
	}
	for n := range answers {
		answers[n] = err
	}
	if out == nil {
		return answers
	}
	for _, ok := range out.Successful {
		if n, bad := strconv.Atoi(aws.ToString(ok.Id)); bad == nil && n >= 0 && n < len(answers) {
			answers[n] = nil
		}
	}
	for _, f := range out.Failed {
		if n, bad := strconv.Atoi(aws.ToString(f.Id)); bad == nil && n >= 0 && n < len(answers) {
			answers[n] = fmt.Errorf("refused as %s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
		}
	}
	return answers
}

func entry(n int, body string, m loop.Outgoing, trace string) types.SendMessageBatchRequestEntry {
	e := types.SendMessageBatchRequestEntry{
		Id: aws.String(strconv.Itoa(n)), MessageBody: aws.String(body), DelaySeconds: seconds(m.Delay),
	}
	if m.Group != "" {
		// On a standard queue the group makes the queue fair: one noisy group does not delay the others.
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
		e.MessageGroupId = aws.String(groupID(m.Group))
	}
	if trace != "" {
		e.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: aws.String(trace)},
		}
	}
	return e
}

// seconds rounds up: a message that waits for a deadline must not come before it.
func seconds(d time.Duration) int32 {
	d = min(max(d, 0), loop.MaxDelay)
	return int32((d + time.Second - 1) / time.Second)
}
