package client

import (
	"encoding/json"

	"example.com/unbroken/internal/loop"
)

// event is one signal on its way: its place in the report and the bytes that every attempt sends.
type event struct {
	index int
	body  json.RawMessage
}

// split packs the signals, in their order, into batches that the loop takes: at most 500 events and 1 MiB. A
// signal that could never be taken is refused here, with the code that the loop would give it.
func split(signals []Signal, results []Result) (batches [][]event) {
	var batch []event
	size := 0
	for i, s := range signals {
		results[i] = Result{Source: s.Source, ID: s.ID, Key: s.Key(), State: Open}
		body, err := loop.Marshal(s)
		switch {
		case err != nil:
			results[i].refuse(loop.CodeMalformed, "data is not JSON")
			continue
		case len(body) > loop.MaxSignalBytes:
			results[i].refuse(loop.CodeTooLarge, "the event is larger than 256 KiB")
			continue
		}
		// A batch is `[a,b,c]`: a byte around and between the events.
		if len(batch) == loop.MaxBatchEvents || len(batch) > 0 && size+len(body)+1 > loop.MaxBodyBytes {
			batches, batch, size = append(batches, batch), nil, 0
		}
		if len(batch) == 0 {
			size = 1
		}
		batch, size = append(batch, event{i, body}), size+len(body)+1
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// encode writes events as a CloudEvents JSON batch.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format
func encode(events []json.RawMessage) []byte {
	body := []byte{'['}
	for i, e := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, e...)
	}
	return append(body, ']')
}
