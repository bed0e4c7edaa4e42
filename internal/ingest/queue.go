package ingest

import (
	"context"
	"fmt"

	"example.com/unbroken/internal/loop"
)

// Inbox is the stage behind the `inbox` queue, the way in for producers that speak SQS. A message is one
// structured CloudEvent or a JSON array of them, or what a service of AWS wraps them in. Acknowledging it is accepting it, so a message is acknowledged
// only when each of its events is stored durably or quarantined.
type Inbox struct {
	acceptor *Acceptor
	input    string
	stage    string // what its quarantine records name
	only     string // the one type that may come in; "" for any
	canaries bool   // whether they come in here
}

// NewInbox makes the stage for the input of kind `queue`.
func NewInbox(a *Acceptor, input string) (*Inbox, error) {
	if a.cfg.Inputs[input].Kind != loop.KindQueue {
		return nil, fmt.Errorf("input %q is not declared with kind: %s", input, loop.KindQueue)
	}
	return &Inbox{acceptor: a, input: input, stage: loop.FuncIngestQueue, canaries: a.cfg.Canaries != nil}, nil
}

// inboxEvent is one event of a message.
type inboxEvent struct {
	parsed
	message int
}

// Handle takes a batch of messages and returns the ids of those that must be delivered again.
func (b *Inbox) Handle(ctx context.Context, msgs []loop.Message) (failed []string) {
	var events []inboxEvent
	var arrivals []Arrival
	var waiting []int // arrivals -> events
	again := make([]bool, len(msgs))
	for m, msg := range msgs {
		all := split(msg.Body)
		if len(all) == 1 { // a canary comes alone
			var was bool
			if was, again[m], all[0].err = b.canary(ctx, all[0]); was {
				continue
			}
		}
		for _, p := range all {
			if p.err == nil {
				p.err = b.check(p.signal)
			}
			if p.err == nil {
				arrivals = append(arrivals, Arrival{Signal: p.signal, SentAt: msg.SentAt})
				waiting = append(waiting, len(events))
			}
			events = append(events, inboxEvent{parsed: p, message: m})
		}
	}

	counted := make([]bool, len(events))
	if len(arrivals) > 0 {
		for i, r := range b.acceptor.Accept(ctx, b.input, arrivals) {
			e := waiting[i]
			events[e].err, counted[e] = r.Err, r.Err != nil
			if loop.CodeOf(r.Err) == loop.CodeUnavailable {
				again[events[e].message] = true
			}
		}
	}

	// What is delivered again would be quarantined again, so quarantine waits until its message is through.
	var records []loop.Outgoing
	var from []int // records -> messages
	for i, e := range events {
		if e.err == nil || again[e.message] {
			continue
		}
		record, err := b.record(e.raw, e.err)
		if err != nil {
			again[e.message] = true
			continue
		}
		if !counted[i] {
			b.acceptor.refused(ctx, b.input, loop.CodeOf(e.err), 1)
		}
		records = append(records, record)
		from = append(from, e.message)
	}
	if len(records) > 0 {
		dlq := loop.DeadLetter(loop.QueueInbox)
		for i, err := range b.acceptor.send(ctx, b.acceptor.cfg.Region, dlq, records) {
			again[from[i]] = again[from[i]] || err != nil
		}
	}
	for m, msg := range msgs {
		if again[m] {
			failed = append(failed, msg.ID)
		}
	}
	return failed
}

// check refuses a sound event that may not come in here.
func (b *Inbox) check(s loop.Signal) error {
	if b.only != "" && s.Type != b.only {
		return loop.Refuse(loop.CodeInvalidEvent, "this input takes %s only", b.only)
	}
	return grant{}.check(b.acceptor.cfg.Inputs[b.input], s)
}

// record is the quarantine record of one event.
func (b *Inbox) record(raw []byte, why error) (loop.Outgoing, error) {
	q := loop.Quarantine{
		Reason: loop.CodeOf(why), Stage: b.stage, Detail: why.Error(), At: b.acceptor.cfg.Now().UTC().Round(0),
	}
	body, err := encodeQuarantined(raw, q)
	return loop.Outgoing{Body: body, Group: b.input}, err
}
