package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"example.com/unbroken/internal/loop"
)

// Alarms is the way in for CloudWatch alarms that a Lambda function is called for, by EventBridge or by a topic. What
// is refused is quarantined as the inbox does it, and a redrive goes through the inbox.
type Alarms struct{ inbox *Inbox }

// NewAlarms makes the stage for the input of kind `alarm`.
func NewAlarms(a *Acceptor, input string) (*Alarms, error) {
	if a.cfg.Inputs[input].Kind != loop.KindAlarm {
		return nil, fmt.Errorf("input %q is not declared with kind: %s", input, loop.KindAlarm)
	}
	return &Alarms{&Inbox{acceptor: a, input: input, stage: loop.FuncIngestAlarm, only: TypeAlarm}}, nil
}

// ErrNotStored asks Lambda to call again. It does so twice, and then puts the event on the function's dead-letter queue.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
var ErrNotStored = errors.New("not everything is stored durably; call again with the same event")

// Handle takes one event of EventBridge, or the records of a topic.
func (s *Alarms) Handle(ctx context.Context, event []byte) error {
	var topic struct {
		Records []json.RawMessage
	}
	msgs := []loop.Message{{ID: "0", Body: event}}
	if json.Unmarshal(event, &topic) == nil && len(topic.Records) > 0 {
		msgs = msgs[:0]
		for i, record := range topic.Records {
			body := []byte(record) // kept whole where it is no notification
			var message string
			if take(record, field{"Sns", fields{{"Message", &message}}}) == nil && message != "" {
				body = []byte(message)
			}
			msgs = append(msgs, loop.Message{ID: strconv.Itoa(i), Body: body})
		}
	}
	if failed := s.inbox.Handle(ctx, msgs); len(failed) > 0 {
		return ErrNotStored
	}
	return nil
}
