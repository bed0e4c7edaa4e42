package client

import (
	"sync/atomic"
	"time"
)

// restTime is how long a region that failed is asked last.
const restTime = 5 * time.Second

// rest is a circuit breaker for a region, the smallest that does: it orders regions, it refuses none, because the
// last one left is asked whatever it did.
//
//	closed    → asked in its turn; a failure, or a hedge that overtook it → open
//	open      → asked after all others for restTime → half-open
//	half-open → one batch asks it in its turn again: an answer → closed, else → open; the others go on as if open
type rest struct {
	until atomic.Int64 // Unix nanoseconds; 0 when closed
}

// last says whether the region is to be asked after the others. The one caller that is told "no" by a half-open
// circuit is its probe.
func (r *rest) last(now time.Time) bool {
	until := r.until.Load()
	if until == 0 {
		return false
	}
	if now.UnixNano() < until {
		return true
	}
	return !r.until.CompareAndSwap(until, now.Add(restTime).UnixNano())
}

func (r *rest) failed(now time.Time) { r.until.Store(now.Add(restTime).UnixNano()) }

func (r *rest) answered() { r.until.Store(0) }
