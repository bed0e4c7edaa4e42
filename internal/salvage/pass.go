package salvage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// wait for the first message: a receive that does not wait asks some of SQS's servers only, and what it does not find
	// may be there.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
	wait = time.Second

	answer = 4 * time.Second  // for a call: a region that swallows packets must not take the others' time
	finish = 10 * time.Second // for a batch that was begun, whose calls are three at most
	aside  = 20 * time.Second // how long a pass goes on with the first message that stays in hand

	// hold is how long a message is hidden that nobody gives back: longer than a pass and all that may follow its last
	// receive, so that nothing comes a second time in the same pass.
	hold = aside + wait + answer + finish + answer + 6*time.Second
)

// Pass is what became of a queue. Whole says that nothing more was visible at its end.
type Pass struct {
	Done
	Whole bool
}

// Pass goes through a queue once, and ends when nothing is visible any more, when limit messages have been moved, when it
// is until, or aside after the first message that stays. What stays is given back then. after, where there is one, is told
// of each batch and may slow the pass down or end it. An error leaves every message that is not dropped in one of the
// regions at least.
func (m Mover) Pass(ctx context.Context, queue string, limit int, until time.Time, after func(Done) error) (p Pass, err error) {
	var held []string
	for p.Moved < limit && m.Now().Before(until) && err == nil {
		var b batch
		b, err = m.batch(ctx, queue, limit-p.Moved)
		if len(b.staying) > 0 && len(held) == 0 {
			until = earlier(until, m.Now().Add(aside))
		}
		held, p.Done = append(held, b.staying...), p.and(b.Done)
		if err == nil && b.received == 0 {
			p.Whole = true
			break
		}
		if err == nil && after != nil {
			err = after(b.Done)
		}
	}
	if len(held) > 0 {
		// What is not given back comes by itself, after hold.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answer)
		defer cancel()
		err = errors.Join(err, m.Queues.Return(ctx, m.From, queue, held))
	}
	if err != nil {
		return p, fmt.Errorf("salvage %s from %s to %s: %w", queue, m.From, m.To, err)
	}
	return p, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
