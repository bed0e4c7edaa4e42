package queue

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

// mover is SQS as far as it moves messages by itself.
type mover struct {
	API
	start *sqs.StartMessageMoveTaskInput
	tasks []types.ListMessageMoveTasksResultEntry
	err   error
}

func (m *mover) StartMessageMoveTask(_ context.Context, in *sqs.StartMessageMoveTaskInput, _ ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error) {
	m.start = in
	return &sqs.StartMessageMoveTaskOutput{}, m.err
}

func (m *mover) ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput, ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	return &sqs.ListMessageMoveTasksOutput{Results: m.tasks}, m.err
}

func (m *mover) queues() *Queues {
	return New(Config{Account: "123456789012", Prefix: "p", Client: func(string) API { return m }})
}

func TestAMoveNamesWhereItGoes(t *testing.T) {
	t.Parallel()
	m := &mover{}
	if err := m.queues().StartMove(t.Context(), "us-east-2", loop.QueueSignals, 9999); err != nil {
		t.Fatal(err)
	}
	if from, to := *m.start.SourceArn, aws.ToString(m.start.DestinationArn); from != "arn:aws:sqs:us-east-2:123456789012:p-signals-dlq" || to != "arn:aws:sqs:us-east-2:123456789012:p-signals" {
		t.Errorf("moves from %s to %q: what was quarantined has no source of its own", from, to)
	}
	if *m.start.MaxNumberOfMessagesPerSecond != MaxMoveRate {
		t.Errorf("asks for %d a second, which SQS refuses", *m.start.MaxNumberOfMessagesPerSecond)
	}
}

func TestHowFarAMoveIs(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]Move{
		"RUNNING":   {Running: true, Moved: 3, Total: 9},
		"COMPLETED": {Moved: 3, Total: 9},
		"FAILED":    {Moved: 3, Total: 9, Failure: "FAILED: denied"},
	} {
		m := &mover{tasks: []types.ListMessageMoveTasksResultEntry{{
			Status: &status, ApproximateNumberOfMessagesMoved: 3, ApproximateNumberOfMessagesToMove: aws.Int64(9), FailureReason: aws.String("denied"),
		}}}
		if got, err := m.queues().LastMove(t.Context(), "r", "q"); err != nil || got != want {
			t.Errorf("%s: %+v, %v", status, got, err)
		}
	}
	if got, err := (&mover{}).queues().LastMove(t.Context(), "r", "q"); err != nil || got != (Move{}) {
		t.Errorf("no move: %+v, %v", got, err)
	}
}

func TestAnEndpointThatCannotMoveIsToldFromOneThatRefuses(t *testing.T) {
	t.Parallel()
	m := &mover{err: &smithy.GenericAPIError{Code: "InvalidAction"}}
	if _, err := m.queues().LastMove(t.Context(), "r", "q"); !errors.Is(err, ErrNoMove) {
		t.Errorf("got %v", err)
	}
	// SQS says this where a move is running already.
	m.err = &smithy.GenericAPIError{Code: "AWS.SimpleQueueService.UnsupportedOperation"}
	if err := m.queues().StartMove(t.Context(), "r", "q", 1); err == nil || errors.Is(err, ErrNoMove) {
		t.Errorf("got %v", err)
	}
}

func TestTheEmulatorSaysThatItCannotMove(t *testing.T) {
	t.Parallel()
	q := deploy(t)
	if _, err := q.LastMove(t.Context(), looptest.HereRegion, loop.QueueSignals); !errors.Is(err, ErrNoMove) {
		t.Errorf("got %v: redrive would not fall back", err)
	}
}
