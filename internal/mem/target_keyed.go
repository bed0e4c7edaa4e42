package mem

import (
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// keyed honours Idempotency-Key, which is the effect's id: a repetition within the declared horizon is answered like
// the first and changes nothing. After the horizon the key is forgotten, and the request is a new one.
type keyed map[string]time.Time

func (k keyed) take(e loop.Effect, now time.Time) (bool, act.Answer) {
	if first, ok := k[e.ID]; ok && now.Sub(first) < e.Horizon.Std() {
		return false, took()
	}
	k[e.ID] = now
	return true, took()
}
