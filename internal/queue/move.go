package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"example.com/unbroken/internal/loop"
)

// ErrNoMove: the endpoint does not know how to move messages by itself, as some emulators do not.
var ErrNoMove = errors.New("this endpoint does not move messages by itself")

// Move is how far SQS's own move out of a dead-letter queue has come. Its numbers are approximate.
type Move struct {
	Started      int64 // milliseconds; tells one move from the next
	Running      bool
	Moved, Total int64
	Failure      string
}

// MaxMoveRate is the most messages a second that SQS moves at a fixed rate.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
const MaxMoveRate = 500

// StartMove lets SQS move everything from the queue's dead-letter queue back to the queue. The destination is named:
// what the stages quarantined was sent to the dead-letter queue by them, and has no source that SQS knows of.
func (q *Queues) StartMove(ctx context.Context, region, queue string, rate int) error {
	_, err := q.cfg.Client(region).StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{
		SourceArn: q.arn(region, loop.DeadLetter(queue)), DestinationArn: q.arn(region, queue),
		MaxNumberOfMessagesPerSecond: aws.Int32(int32(min(max(rate, 1), MaxMoveRate))),
	})
	if err != nil {
		return fmt.Errorf("start moving to %s in %s: %w", queue, region, known(err))
	}
	return nil
}

// LastMove is the newest move out of the queue's dead-letter queue, running or not; the zero Move where there was none.
func (q *Queues) LastMove(ctx context.Context, region, queue string) (Move, error) {
	out, err := q.cfg.Client(region).ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{
		SourceArn: q.arn(region, loop.DeadLetter(queue)), MaxResults: aws.Int32(1),
	})
	if err != nil {
		return Move{}, fmt.Errorf("ask for the move to %s in %s: %w", queue, region, known(err))
	}
	if len(out.Results) == 0 {
		return Move{}, nil
	}
	last := out.Results[0]
	m := Move{Started: last.StartedTimestamp, Moved: last.ApproximateNumberOfMessagesMoved, Total: aws.ToInt64(last.ApproximateNumberOfMessagesToMove)}
	switch status := aws.ToString(last.Status); status {
	case "RUNNING", "CANCELLING":
		m.Running = true
	case "FAILED", "CANCELLED":
		m.Failure = status
		if why := aws.ToString(last.FailureReason); why != "" {
			m.Failure += ": " + why
		}
	}
	return m, nil
}

func (q *Queues) arn(region, queue string) *string {
	return aws.String(fmt.Sprintf("arn:aws:sqs:%s:%s:%s", region, q.cfg.Account, loop.Name(q.cfg.Prefix, queue)))
}

// known turns an endpoint's word for "no such call" into ErrNoMove.
func known(err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "InvalidAction", "UnknownOperationException", "UnknownOperation", "NotImplemented":
			return errors.Join(ErrNoMove, err)
		}
	}
	return err
}
