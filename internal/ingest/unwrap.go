package ingest

import (
	"bytes"
	"encoding/json"

	"example.com/unbroken/internal/loop"
)

// maxWraps is how many envelopes are taken off: an event that EventBridge sent to a topic has two.
const maxWraps = 2

// split takes a message apart. A body that is no JSON, or no batch within the limits, is one event that failed.
func split(body []byte) []parsed {
	if raw, ok := redriven(body); ok {
		body = raw
	}
	return unwrap(body, maxWraps)
}

// unwrap makes events of a message. One that is a CloudEvent, or a list of them, is what it is; only where it is none
// is it asked whether it is an envelope that an AWS service puts around events.
func unwrap(body []byte, wraps int) []parsed {
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		events, err := parseBatch(body)
		if err != nil {
			return []parsed{{raw: body, err: err}}
		}
		return events
	}
	signal, err := ParseEvent(body)
	if loop.CodeOf(err) == loop.CodeInvalidEvent {
		if events, ok := opened(body, wraps); ok {
			return events
		}
	}
	return []parsed{{raw: body, signal: signal, err: err}}
}

// envelope has the members by which the envelopes of SNS, of EventBridge and the notifications of CloudWatch are told
// from each other, and from events.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type envelope struct {
	Type    string `json:"Type"` // SNS: Notification
	Topic   string `json:"TopicArn"`
	Message string `json:"Message"`

	DetailType string          `json:"detail-type"` // EventBridge
	Source     string          `json:"source"`
	ID         string          `json:"id"`
	Time       string          `json:"time"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// opened makes events of an envelope; false where body is none.
func opened(body []byte, wraps int) ([]parsed, bool) {
	sound, err := canonical(body, 0)
	if err != nil {
		return nil, false
	}
	if events, ok := alarmNotification(sound); ok {
		return events, true
	}
	var e envelope
	if wraps == 0 || json.Unmarshal(sound, &e) != nil {
		return nil, false
	}
	switch {
	case e.Type == "Notification" && e.Topic != "":
		return unwrap([]byte(e.Message), wraps-1), true
	case e.DetailType == alarmDetail && e.Source == alarmSource:
		return []parsed{alarmEvent(body, e.Detail, e.Resources)}, true
	case e.DetailType != "" && e.Source != "" && len(e.Detail) > 0 && e.Detail[0] == '{':
		return []parsed{busEvent(body, e)}, true
	}
	return nil, false
}

// busEvent is the CloudEvent that is the detail of an EventBridge event, or else the event itself.
func busEvent(body []byte, e envelope) parsed {
	if signal, err := ParseEvent(e.Detail); loop.CodeOf(err) != loop.CodeInvalidEvent {
		return parsed{raw: body, signal: signal, err: err}
	}
	n := notice{id: e.ID, source: e.Source, typ: e.DetailType, time: e.Time, data: e.Detail}
	if len(e.Resources) > 0 {
		n.subject = e.Resources[0]
	}
	p := n.parsed()
	p.raw = body
	return p
}
