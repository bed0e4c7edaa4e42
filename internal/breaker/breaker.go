// Package breaker keeps deliveries away from a target that is down, so that its effects wait in the queue, for
// which nobody pays, instead of in a function. One circuit per action, local to the environment:
//
//	closed    → every attempt is made; after five failures in a row → open
//	open      → nothing is sent for the open time; every attempt is answered Unsent at once → half-open
//	half-open → one attempt is made: delivered → closed, failed → open
//
// A failure is an attempt that is to be repeated (Retry, Unsent); a refusal is the target's word, and it is up.
// The package must not know what a target is.
package breaker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

const (
	failuresToOpen = 5
	openTime       = 15 * time.Second
)

// Target guards another one.
type Target struct {
	next act.Target

	mu       sync.Mutex
	circuits map[string]*gobreaker.TwoStepCircuitBreaker[any] // by action: one action has one host or resource
}

var _ act.Target = (*Target)(nil)

// New guards next. Safe for concurrent use if next is.
func New(next act.Target) *Target {
	return &Target{next: next, circuits: map[string]*gobreaker.TwoStepCircuitBreaker[any]{}}
}

var errFailed = errors.New("to be repeated")

// Deliver implements act.Target.
func (t *Target) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	done, err := t.circuit(e.Action).Allow()
	if err != nil {
		return act.Answer{
			Verdict: act.Unsent, RetryAfter: openTime,
			Evidence: "nothing was sent: " + e.Action + " failed several times in a row and rests for " + openTime.String(),
		}
	}
	outcome := errFailed // a target that panics has failed, too
	defer func() { done(outcome) }()
	answer := t.next.Deliver(ctx, e)
	if answer.Verdict != act.Retry && answer.Verdict != act.Unsent {
		outcome = nil
	}
	return answer
}

func (t *Target) circuit(action string) *gobreaker.TwoStepCircuitBreaker[any] {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.circuits[action]
	if !ok {
		c = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
			Name: action, MaxRequests: 1, Timeout: openTime,
			ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= failuresToOpen },
		})
		t.circuits[action] = c
	}
	return c
}
