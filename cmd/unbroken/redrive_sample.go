package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// letter says why a dead letter is one.
type letter struct {
	SentAt time.Time        `json:"sentAt,omitzero"`
	Bytes  int              `json:"bytes"`
	What   string           `json:"what"` // of whose items or effects
	Why    *loop.Quarantine `json:"quarantine,omitempty"`
}

func (l letter) String() string {
	why := "given up by SQS after too many receives: its function crashed, timed out or did not know it"
	if q := l.Why; q != nil {
		why = fmt.Sprintf("%s in %s", q.Reason, q.Stage)
		if q.Rule != "" {
			why += ", rule " + q.Rule
		}
		why += ": " + strings.TrimPrefix(q.Detail, string(q.Reason)+": ")
	}
	return fmt.Sprintf("%s, %d bytes: %s", l.What, l.Bytes, why)
}

// peek is the shortest time that a receive hides a message: the SDK leaves a zero out, and the queue's own time counts.
const peek = time.Second

// sample looks at a few dead letters without taking them: when it returns they are visible again.
func (m *mover) sample(ctx context.Context, region string) ([]letter, error) {
	one, cancel := callContext(ctx)
	defer cancel()
	got, err := m.Queues.Receive(one, region, loop.DeadLetter(m.Queue), 10, 0, peek)
	if err != nil {
		return nil, err
	}
	if err := m.w.Wait(ctx, peek); err != nil {
		return nil, err
	}
	letters := make([]letter, len(got))
	for i, msg := range got {
		letters[i] = read(msg.Body)
		letters[i].SentAt, letters[i].Bytes = msg.SentAt, len(msg.Body)
	}
	return letters, nil
}

// read understands both forms: an envelope, and the record of what was no event.
func read(body []byte) letter {
	var both struct {
		Items      []loop.Item
		Quarantine *loop.Quarantine
	}
	if json.Unmarshal(body, &both) != nil {
		return letter{What: "not readable"}
	}
	l := letter{What: "one message of " + plural(len(both.Items), "item"), Why: both.Quarantine}
	if len(both.Items) != 1 {
		if l.Why != nil {
			l.What = "an event"
		}
		return l
	}
	it := both.Items[0]
	l.Why = it.Quarantine
	var id struct{ Source, ID string }
	switch {
	case it.Effect != nil:
		l.What = "effect " + it.Effect.ID + " of rule " + it.Effect.RuleID
	case json.Unmarshal(it.Signal, &id) == nil:
		l.What = "signal " + id.ID + " of " + id.Source
	}
	return l
}
