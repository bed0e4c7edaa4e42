package sim

import (
	"container/heap"
	"time"
)

// clock is virtual time. Things happen one after the other, in the order of their time and then of their planning;
// only one goroutine of a world runs at any moment, so that a run depends on nothing but its plan.
type clock struct {
	now     time.Time
	queue   happenings
	planned int
	steps   int
	running *task
	paused  chan struct{}      // the running task gives the turn back
	alive   map[*task]struct{} // started and not ended
	idle    []chan func()      // goroutines that have run a task: their stacks have grown already
	over    bool               // nothing new starts
}

// task is one invocation of a handler. It runs until it waits; then others do.
type task struct {
	what   string
	region string
	dead   bool // its process is gone: nothing that it still does has an effect
	resume chan struct{}
	first  chan struct{} // ingest sends two copies in turn; closed after the first

	ownFirst bool // which one comes first
}

func newClock(now time.Time) *clock {
	return &clock{now: now, paused: make(chan struct{}), alive: map[*task]struct{}{}}
}

// Now is the virtual time.
func (c *clock) Now() time.Time { return c.now }

// after plans f.
func (c *clock) after(d time.Duration, f func()) { c.at(c.now.Add(d), f) }

func (c *clock) at(t time.Time, f func()) {
	if t.Before(c.now) {
		t = c.now
	}
	c.planned++
	heap.Push(&c.queue, happening{t, c.planned, f})
}

// spawn starts a task and returns when it waits for the first time or has ended.
func (c *clock) spawn(t *task, run func()) {
	if c.over {
		return
	}
	t.resume = make(chan struct{})
	t.first = make(chan struct{})
	c.alive[t] = struct{}{}
	outer := c.running
	c.running = t
	c.goroutine() <- func() { run(); delete(c.alive, t) }
	<-c.paused
	c.running = outer
}

// goroutine is one that runs what it is given.
func (c *clock) goroutine() chan<- func() {
	if n := len(c.idle); n > 0 {
		last := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return last
	}
	jobs := make(chan func())
	go func() {
		for run := range jobs {
			run()
			c.idle = append(c.idle, jobs)
			c.paused <- struct{}{}
		}
	}()
	return jobs
}

// wait lets time pass for the running task. Outside of a task and in a dead one it does not.
func (c *clock) wait(d time.Duration) {
	t := c.running
	if t == nil || t.dead {
		return
	}
	c.after(d, func() { c.wake(t) })
	c.paused <- struct{}{}
	<-t.resume
}

func (c *clock) wake(t *task) {
	c.running = t
	t.resume <- struct{}{}
	<-c.paused
	c.running = nil
}

// run lets everything happen that is planned up to the given time, and says whether nothing is left.
func (c *clock) run(until time.Time) bool {
	for len(c.queue) > 0 && !c.queue[0].at.After(until) {
		next, _ := heap.Pop(&c.queue).(happening)
		c.now = next.at
		c.steps++
		next.do()
	}
	if len(c.queue) == 0 {
		return true
	}
	c.now = until
	return false
}

// end lets every task that still waits run out without effect, so that no goroutine is left behind.
func (c *clock) end() {
	c.over = true
	for t := range c.alive {
		t.dead = true
	}
	for len(c.queue) > 0 && len(c.alive) > 0 {
		next, _ := heap.Pop(&c.queue).(happening)
		next.do()
	}
	for _, jobs := range c.idle {
		close(jobs)
	}
	c.idle = nil
}

type happening struct {
	at  time.Time
	seq int
	do  func()
}

type happenings []happening

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(happening)) }
func (h *happenings) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
