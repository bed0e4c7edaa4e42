package ingest

import (
	"encoding/json"

	"example.com/unbroken/internal/loop"
)

// github takes the webhooks of GitHub. What is redelivered keeps the id of its delivery, so it is the same signal.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
func github(d delivery) ([]parsed, bool, error) {
	body, err := jsonBody(d)
	if err != nil {
		return nil, false, err
	}
	event, id := d.header.Get("X-GitHub-Event"), d.header.Get("X-GitHub-Delivery")
	if event == "" || id == "" {
		return nil, false, loop.Refuse(loop.CodeInvalidEvent, "X-GitHub-Event and X-GitHub-Delivery are required")
	}
	n := notice{id: id, source: d.input.Source, typ: "com.github." + event, data: body}
	var action json.RawMessage
	if err := take(body, field{"action", &action}, field{"repository", fields{{"full_name", &n.subject}}}); err != nil {
		return nil, false, err
	}
	var text string
	if json.Unmarshal(action, &text) == nil && text != "" { // of some events it is an object
		n.typ += "." + text
	}
	return []parsed{n.parsed()}, false, nil
}
