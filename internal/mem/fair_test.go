package mem_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// grouped is a queue on which `flying` messages of each group are in someone's hands.
func grouped(t *testing.T, c *clock, flying map[string]int) (*mem.Queues, func(groups ...string)) {
	t.Helper()
	q := mem.NewQueues(mem.QueuesConfig{Now: c.Now, Visibility: time.Hour})
	enqueue := func(groups ...string) {
		for i, g := range groups {
			if err := q.Send(t.Context(), east, loop.QueueActions, []loop.Outgoing{{Body: fmt.Appendf(nil, `{"n":%d}`, i), Group: g}})[0]; err != nil {
				t.Fatal(err)
			}
		}
	}
	for group, n := range flying {
		for range n {
			enqueue(group)
		}
	}
	q.Receive(east, loop.QueueActions, 1000)
	return q, enqueue
}

func order(q *mem.Queues) (got string) {
	for _, d := range q.Receive(east, loop.QueueActions, 100) {
		got += d.Group
	}
	return got
}

// A group that has a tenth of what is in flight, and thirty of its own, waits for the others.
func TestANoisyGroupWaitsForQuietOnes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flying map[string]int
		want   string
	}{
		"noisy":                    {map[string]int{"n": 30}, "qqnn"},
		"too few of its own":       {map[string]int{"n": 29}, "nqnq"},
		"too small a share":        {map[string]int{"n": 30, "x": 29, "": 250}, "nqnq"},
		"the less noisy one first": {map[string]int{"n": 60, "q": 30}, "qqnn"},
	} {
		q, enqueue := grouped(t, newClock(), c.flying)
		enqueue("n", "q", "n", "q")
		if got := order(q); got != c.want {
			t.Errorf("%s: delivered %s, want %s", name, got, c.want)
		}
	}
}

// It is quiet again when its backlog is gone, or when it has not sent for five minutes.
func TestANoisyGroupBecomesQuiet(t *testing.T) {
	t.Parallel()
	c := newClock()
	q, enqueue := grouped(t, c, map[string]int{"n": 40})
	enqueue("n", "q")
	if got := order(q); got != "qn" {
		t.Fatalf("delivered %s", got)
	}
	c.Advance(2 * time.Hour) // nobody has them in hands any more
	enqueue("q")
	if got := order(q)[40:]; got != "nqq" {
		t.Errorf("after its silence: delivered %s", got)
	}
}
