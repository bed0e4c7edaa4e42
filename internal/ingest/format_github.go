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
	var about struct {
		Action     json.RawMessage `json:"action"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if err := into(body, &about); err != nil {
		return nil, false, err
	}
	n := notice{id: id, source: d.input.Source, typ: "com.github." + event, subject: about.Repository.FullName, data: body}
	var action string
	if json.Unmarshal(about.Action, &action) == nil && action != "" { // of some events it is an object
		n.typ += "." + action
	}
	return []parsed{n.parsed()}, false, nil
}
