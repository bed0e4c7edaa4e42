package ingest

import (
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
)

// quotas bound how many events an input takes, with a token bucket each. They are local to an execution environment:
// a region with ten of them lets ten times as much through. That keeps one producer from filling the loop by mistake,
// and costs no call; an exact bound over all of them would cost every signal one.
type quotas struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket had so many tokens at an instant; below zero are those that a batch larger than the burst has borrowed.
type bucket struct {
	tokens float64
	at     time.Time
}

func newQuotas() *quotas { return &quotas{buckets: map[string]*bucket{}} }

// take takes n tokens, or none and says how long to wait. A batch that is larger than the burst would never find its
// tokens: it passes when the bucket is full, and those after it wait for longer.
func (q *quotas) take(input string, bound loop.Quota, n int, now time.Time) time.Duration {
	if bound.PerSecond == 0 || n == 0 {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	rate, most := float64(bound.PerSecond), float64(max(bound.Burst, 1))
	b := q.buckets[input]
	if b == nil {
		b = &bucket{tokens: most, at: now}
		q.buckets[input] = b
	}
	b.tokens = min(most, b.tokens+rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if short := min(float64(n), most) - b.tokens; short > 0 {
		return max(time.Nanosecond, time.Duration(short/rate*float64(time.Second)))
	}
	b.tokens -= float64(n)
	return 0
}
