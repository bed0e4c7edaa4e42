package act

import (
	"math/rand/v2"
	"time"

	"example.com/unbroken/internal/loop"
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
	if failed < 63 && b.Base <= b.Cap>>failed { // compared this way round, nothing overflows
		limit = b.Base << failed
	}
	return max(time.Duration(b.Rand(int64(limit))), 100*time.Millisecond)
}

// of is the backoff that an action declared, or b where it declared none.
func (b Backoff) of(declared loop.Backoff) Backoff {
	if declared.Base > 0 && declared.Cap >= declared.Base {
		b.Base, b.Cap = declared.Base.Std(), declared.Cap.Std()
	}
	return b
}

// after is the time until the effect's next attempt; at least least. It ends with the effect's own time, so that what
// is given up is given up then, not a backoff later.
func (b Backoff) after(l *Landing, least time.Duration, now time.Time) time.Duration {
	wait := max(b.of(l.Claim.Effect.Backoff).Next(l.Claim.Attempt), least)
	return min(wait, max(l.Claim.ExpiresAt().Sub(now)+time.Millisecond, waitMargin))
}
