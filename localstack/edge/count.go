package edge

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// maxKinds bounds the counter: what comes after is counted under one kind without a name.
const maxKinds = 4096

// Count is how often one kind of call was made, whether a fault hit it or not.
type Count struct {
	Call
	Count int64     `json:"count"`
	Last  time.Time `json:"last"`
}

type counter struct {
	now   func() time.Time
	mu    sync.Mutex
	kinds map[Call]*Count
}

func newCounter(now func() time.Time) *counter {
	return &counter{now: now, kinds: map[Call]*Count{}}
}

func (c *counter) add(call Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kinds[call]
	if k == nil {
		if len(c.kinds) >= maxKinds {
			call = Call{Caller: call.Caller}
		}
		if k = c.kinds[call]; k == nil {
			k = &Count{Call: call}
			c.kinds[call] = k
		}
	}
	k.Count++
	k.Last = c.now().UTC()
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kinds)
}

func (c *counter) list() []Count {
	c.mu.Lock()
	counts := make([]Count, 0, len(c.kinds))
	for _, k := range c.kinds {
		counts = append(counts, *k)
	}
	c.mu.Unlock()
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Caller, b.Caller), cmp.Compare(a.Function, b.Function))
	})
	return counts
}
