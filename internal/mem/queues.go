package mem

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// QueuesConfig is what Queues need. Only Now is required.
type QueuesConfig struct {
	Now        func() time.Time
	Visibility time.Duration                                 // how long a received message is hidden; 30 s where zero
	MaxReceive int                                           // a message received more often goes to the dead-letter queue; 0 for never
	Fault      Fault                                         // asked per message on Send
	Trace      func(ctx context.Context) string              // trace header to pass on
	Shuffle    func(n int, swap func(i, j int))              // order of delivery; the order of sending where nil
	Again      func() int                                    // how often more than once a message is delivered; never where nil
	Arrived    func(region, queue string, visible time.Time) // told of every message that was stored or given back
}

// Queues is the queues of all regions. Like SQS it delivers at least once: a received message is hidden for a
// while and comes again unless it is acknowledged with its latest receipt.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
type Queues struct {
	cfg QueuesConfig

	mu     sync.Mutex
	queues map[address][]*stored // in the order of sending
	fair   map[address]*fair
	ids    int

	receipts int // counts receives over all queues, so that no two copies share a receipt
}

type address struct{ region, queue string }

type stored struct {
	id, group, trace string
	body             []byte
	sentAt, visible  time.Time
	receives         int
	receipt          string
}

var _ act.Queue = (*Queues)(nil)

// NewQueues returns empty queues; every name exists.
func NewQueues(c QueuesConfig) *Queues {
	c.Visibility = cmp.Or(c.Visibility, 30*time.Second)
	return &Queues{cfg: c, queues: map[address][]*stored{}, fair: map[address]*fair{}}
}

// Send implements the Queue interfaces for a caller outside of all regions.
func (q *Queues) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	return q.From("").Send(ctx, region, queue, msgs)
}

// From returns the queues as reached from a region.
func (q *Queues) From(region string) act.Queue { return queuesView{q, region} }

type queuesView struct {
	*Queues
	from string
}

// maxMessageBytes is SQS's limit.
const maxMessageBytes = 1 << 20

func (v queuesView) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		op := Op{Service: "queue", From: v.from, Region: region, Name: "Send", Key: queue}
		errs[i] = v.cfg.Fault.call(ctx, op, func() error { return v.store(ctx, address{region, queue}, m) })
		if errs[i] != nil {
			errs[i] = fmt.Errorf("send to %s in %s: %w", queue, region, errs[i])
		}
	}
	return errs
}

func (q *Queues) store(ctx context.Context, to address, m loop.Outgoing) error {
	switch {
	case len(m.Body) == 0 || !utf8.Valid(m.Body):
		return loop.Refuse(loop.CodeMalformed, "a message body is empty or not UTF-8")
	case len(m.Body) > maxMessageBytes:
		return loop.Refuse(loop.CodeTooLarge, "a message of %d bytes exceeds the queue's limit of %d", len(m.Body), maxMessageBytes)
	}
	now := q.cfg.Now()
	delay := min(max(m.Delay, 0), loop.MaxDelay)
	delay = (delay + time.Second - 1).Truncate(time.Second)
	s := &stored{group: m.Group, body: slices.Clone(m.Body), sentAt: now, visible: now.Add(delay)}
	if q.cfg.Trace != nil {
		s.trace = q.cfg.Trace(ctx)
	}
	more := 0
	if q.cfg.Again != nil {
		more = q.cfg.Again()
	}
	q.mu.Lock()
	q.ids++
	s.id = "m" + strconv.Itoa(q.ids)
	q.queues[to] = append(q.queues[to], s)
	if q.fair[to] == nil {
		q.fair[to] = &fair{noisy: map[string]bool{}, sent: map[string]time.Time{}}
	}
	q.fair[to].sent[s.group] = now
	for range more { // "more than one copy of a message might be delivered": each is acknowledged on its own
		again := *s
		q.queues[to] = append(q.queues[to], &again)
	}
	visible := s.visible // from here on, s belongs to whoever receives it
	q.mu.Unlock()
	for range more + 1 {
		q.arrived(to, visible)
	}
	return nil
}

func (q *Queues) arrived(at address, visible time.Time) {
	if q.cfg.Arrived != nil {
		q.cfg.Arrived(at.region, at.queue, visible)
	}
}

// Depth counts the messages that are waiting, in someone's hands and delayed.
func (q *Queues) Depth(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error) {
	op := Op{Service: "queue", Region: region, Name: "Depth", Key: queue}
	err = q.cfg.Fault.call(ctx, op, func() error {
		q.mu.Lock()
		defer q.mu.Unlock()
		now := q.cfg.Now()
		for _, s := range q.queues[address{region, queue}] {
			switch {
			case !s.visible.After(now):
				visible++
			case s.receives > 0:
				inFlight++
			default:
				delayed++
			}
		}
		return nil
	})
	return visible, inFlight, delayed, err
}

// Lying is a message on a queue, in whoever's hands.
type Lying struct {
	Body    []byte // must not be changed
	Visible time.Time
}

// Lying returns what lies on a queue, in the order of sending, for whoever compares two worlds.
func (q *Queues) Lying(region, queue string) []Lying {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]Lying, 0, len(q.queues[address{region, queue}]))
	for _, s := range q.queues[address{region, queue}] {
		all = append(all, Lying{s.body, s.visible})
	}
	return all
}
