// Package canary sends synthetic signals through a region's own queues, so that its chain is known to be whole although
// nobody sends, and broken although no message looks old: a poison message hides from the age of a queue, a canary that
// does not come through does not.
//
// They enter at `signals`, whose policy admits the loop's roles only; from outside, their source is refused. That, and
// no key, is their signature. The package knows no AWS.
package canary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Queue sends to this region's queues.
type Queue interface {
	// Send returns one error slot per message; nil means durably stored.
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
}

// Sender sends one canary for every input and half minute.
type Sender struct {
	Region string
	Inputs []string
	Queue  Queue
	Now    func() time.Time
}

// Run sends the canaries of the minute that begins: a schedule starts nothing more often, so the second one waits in the
// queue. It counts from when it is due.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func (s *Sender) Run(ctx context.Context) error {
	now := s.Now().UTC()
	var msgs []loop.Outgoing
	for _, input := range s.Inputs {
		for delay := time.Duration(0); delay < time.Minute; delay += loop.CanaryEvery {
			body, err := s.encode(input, now.Add(delay))
			if err != nil {
				return err
			}
			msgs = append(msgs, loop.Outgoing{Body: body, Delay: delay, Group: loop.CanaryRule})
		}
	}
	return errors.Join(s.Queue.Send(ctx, s.Region, loop.QueueSignals, msgs)...)
}

func (s *Sender) encode(input string, at time.Time) ([]byte, error) {
	signal, err := loop.Marshal(loop.Signal{
		ID: s.Region + "/" + input + "/" + at.Format(time.RFC3339Nano), Source: loop.CanarySource, Type: loop.CanaryType,
		Subject: input, Time: at,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the canary of %s: %w", input, err)
	}
	return loop.Encode(loop.Item{AcceptedAt: at, Input: input, Signal: signal})
}
