package sim

import "time"

// clock is virtual time. Things happen one after the other, in the order of their time and then of their planning;
// only one goroutine of a world runs at any moment, so that a run depends on nothing but its plan.
type clock struct {
	now     time.Time
	queue   happenings
	planned int
	steps   int
	running *task
	paused  chan struct{}      // the running task gives the turn back
	until   time.Time          // how far run goes
	woken   bool               // the running task was woken: nothing is left to do for who gave it the turn
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
	wake   func()
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
	c.queue.push(happening{t.Sub(start), c.planned, f})
}

// spawn starts a task and returns when it waits for the first time or has ended.
func (c *clock) spawn(t *task, run func()) {
	if c.over {
		return
	}
	t.resume = make(chan struct{})
	t.first = make(chan struct{})
	c.alive[t] = struct{}{}
	t.wake = func() {
		c.running, c.woken = t, true
		t.resume <- struct{}{}
		<-c.paused
		c.running, c.woken = nil, false
	}
	outer, woken := c.running, c.woken
	c.running, c.woken = t, false
	c.goroutine() <- func() { run(); delete(c.alive, t) }
	<-c.paused
	c.running, c.woken = outer, woken
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
	c.after(d, t.wake)
	if c.woken && c.queue[0].seq == c.planned && !c.over && !start.Add(c.queue[0].at).After(c.until) {
		c.next() // it is its own turn again: no other goroutine needs to know
		return
	}
	c.paused <- struct{}{}
	<-t.resume
}

// next takes what happens next, and it is that time then.
func (c *clock) next() (do func()) {
	h := c.queue.pop()
	c.now = start.Add(h.at)
	c.steps++
	return h.do
}

// run lets everything happen that is planned up to the given time, and says whether nothing is left.
func (c *clock) run(until time.Time) bool {
	c.until = until
	for len(c.queue) > 0 && !start.Add(c.queue[0].at).After(until) {
		c.next()()
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
		c.queue.pop().do()
	}
	for _, jobs := range c.idle {
		close(jobs)
	}
	c.idle = nil
}

// happening is what is planned for a time, counted from the start.
type happening struct {
	at  time.Duration
	seq int
	do  func()
}

func (h happening) before(o happening) bool { return h.at < o.at || h.at == o.at && h.seq < o.seq }

// happenings is a binary heap; container/heap would allocate for each.
type happenings []happening

func (h *happenings) push(x happening) {
	q := append(*h, x)
	i := len(q) - 1
	for i > 0 && x.before(q[(i-1)/2]) {
		q[i] = q[(i-1)/2]
		i = (i - 1) / 2
	}
	q[i], *h = x, q
}

func (h *happenings) pop() happening {
	q := *h
	first, x := q[0], q[len(q)-1]
	q[len(q)-1] = happening{}
	q = q[:len(q)-1]
	for i := 0; len(q) > 0; {
		least := 2*i + 1
		if least+1 < len(q) && q[least+1].before(q[least]) {
			least++
		}
		if least >= len(q) || x.before(q[least]) {
			q[i] = x
			break
		}
		q[i], i = q[least], least
	}
	*h = q
	return first
}
