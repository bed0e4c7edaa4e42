package client

import (
	"context"
	"encoding/json"
	"time"

	"example.com/unbroken/internal/loop"
)

// Transport takes one batch to one region. It must not retry and must honour ctx.
type Transport interface {
	// Deliver returns one verdict per event; nil where nothing is known about any. The error is *Unavailable if
	// the region may take what is open later, *Barred if asking it again is no use.
	Deliver(ctx context.Context, events []json.RawMessage) ([]Verdict, error)
}

// Verdict is a region's answer about one event.
type Verdict struct {
	State  State // Open: not stored, send it again
	Copies int
	Code   loop.Code
	Detail string
}

// Unavailable: the region did not store the batch now, or its answer was lost. Another region may take it.
type Unavailable struct {
	RetryAfter time.Duration // the region's own wish; 0 where it had none
	Cause      error
}

// Error implements error.
func (e *Unavailable) Error() string { return e.Cause.Error() }

// Unwrap gives the cause.
func (e *Unavailable) Unwrap() error { return e.Cause }

// Barred: the region does not let this caller in, or is not the loop. Asking it again is no use; another region
// may be configured better.
type Barred struct {
	Code   loop.Code
	Detail string
}

// Error implements error.
func (e *Barred) Error() string { return e.Detail }

// Backoff is the wait between two rounds over the regions: full jitter up to min(Cap, Base·2^round).
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
type Backoff struct {
	Base, Cap time.Duration
	Rand      func(n int64) int64 // uniform in [0, n)
}

func (b Backoff) next(round int) time.Duration {
	limit := b.Cap
	if round < 16 { // beyond that the shift alone exceeds any sensible cap
		limit = min(b.Cap, b.Base<<round)
	}
	// At least a tenth, so that a retry is never a loop.
	return max(time.Duration(b.Rand(int64(limit)+1)), limit/10)
}
