package ingest

import "example.com/unbroken/internal/loop"

// cloudEvents takes events in any of the three modes.
func cloudEvents(d delivery) (events []parsed, batch bool, err error) {
	mode, err := modeOf(d.header)
	if err != nil {
		return nil, false, err
	}
	var signal loop.Signal
	switch mode {
	case batched:
		events, err = parseBatch(d.body)
		return events, true, err
	case structured:
		signal, err = ParseEvent(d.body)
	case binary:
		signal, err = parseBinary(d.header, d.body)
	}
	return []parsed{{raw: d.body, signal: signal, err: err}}, false, nil
}
