package act

import (
	"math/rand/v2"
	"time"
)

// Backoff is full-jitter exponential backoff: a random time up to min(Cap, Base·2^attempt).
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
type Backoff struct {
	Base, Cap time.Duration
	Rand      func(n int64) int64 // uniform in [0, n); rand.Int64N in production, seeded in tests
}

// DefaultBackoff starts at a second and never waits longer than five minutes.
func DefaultBackoff() Backoff {
	return Backoff{Base: time.Second, Cap: 5 * time.Minute, Rand: rand.Int64N}
}

// Next is the wait before the attempt after `failed` failed ones; at least 100 ms, so that a retry is never a loop.
func (b Backoff) Next(failed int) time.Duration {
	limit := b.Cap
	if failed < 30 { // beyond that the shift alone exceeds any cap
		limit = min(b.Cap, b.Base<<failed)
	}
	return max(time.Duration(b.Rand(int64(limit))), 100*time.Millisecond)
}
