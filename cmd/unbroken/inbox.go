package main

import (
	"bytes"
	"context"
	"encoding/json"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
)

// inbox is the way in over SQS: a message is one event or a JSON array of them.
type inbox struct {
	queues queues
	region string
}

var _ client.Transport = inbox{}

// Deliver implements client.Transport. The queue takes a message whole or not at all. That it has it is one copy;
// the second one is made when ingest takes it.
func (t inbox) Deliver(ctx context.Context, events []json.RawMessage) ([]client.Verdict, error) {
	body := []byte(events[0])
	if len(events) > 1 {
		body = bytes.Join([][]byte{{'['}, bytes.Join(raw(events), []byte{','}), {']'}}, nil)
	}
	err := t.queues.Send(ctx, t.region, loop.QueueInbox, []loop.Outgoing{{Body: body, Group: loop.QueueInbox}})[0]
	verdict := client.Verdict{State: client.Accepted, Copies: 1}
	if code := loop.CodeOf(err); code != "" {
		verdict = client.Verdict{State: client.Refused, Code: code, Detail: detail(err)}
	} else if err != nil {
		return nil, &client.Unavailable{Cause: err}
	}
	verdicts := make([]client.Verdict, len(events))
	for i := range verdicts {
		verdicts[i] = verdict
	}
	return verdicts, nil
}

func raw(events []json.RawMessage) [][]byte {
	bodies := make([][]byte, len(events))
	for i, e := range events {
		bodies[i] = e
	}
	return bodies
}
