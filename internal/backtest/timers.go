package backtest

import (
	"container/heap"
	"time"

	"example.com/unbroken/internal/loop"
)

// timers are the messages that decide sent back to `signals`, by the time at which they are due. Only one batch
// touches them at a time.
type timers struct {
	list timerHeap
	sent int
}

type timer struct {
	due  time.Time
	nth  int // breaks ties: the order of sending
	body []byte
}

func (t *timers) add(due time.Time, m loop.Outgoing) {
	t.sent++
	heap.Push(&t.list, timer{due, t.sent, m.Body})
}

// pop takes the next one that is due by then.
func (t *timers) pop(by time.Time) (timer, bool) {
	if len(t.list) == 0 || t.list[0].due.After(by) {
		return timer{}, false
	}
	next, ok := heap.Pop(&t.list).(timer)
	return next, ok
}

type timerHeap []timer

func (h timerHeap) Len() int      { return len(h) }
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h timerHeap) Less(i, j int) bool {
	if c := h[i].due.Compare(h[j].due); c != 0 {
		return c < 0
	}
	return h[i].nth < h[j].nth
}

// Push implements heap.Interface.
func (h *timerHeap) Push(x any) {
	if t, ok := x.(timer); ok {
		*h = append(*h, t)
	}
}

// Pop implements heap.Interface.
func (h *timerHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
