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
	kind, topic, message string // SNS: Type (Notification), TopicArn, Message

	detailType, source, id, time string // EventBridge
	resources                    []string
	detail                       json.RawMessage
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
	err = take(sound, field{"Type", &e.kind}, field{"TopicArn", &e.topic}, field{"Message", &e.message},
		field{"detail-type", &e.detailType}, field{"source", &e.source}, field{"id", &e.id}, field{"time", &e.time},
		field{"resources", &e.resources}, field{"detail", &e.detail})
	if wraps == 0 || err != nil {
		return nil, false
	}
	switch {
	case e.kind == "Notification" && e.topic != "":
		return unwrap([]byte(e.message), wraps-1), true
	case e.detailType == alarmDetail && e.source == alarmSource:
		return []parsed{alarmEvent(body, e.detail, e.resources)}, true
	case e.detailType != "" && e.source != "" && len(e.detail) > 0 && e.detail[0] == '{':
		return []parsed{busEvent(body, e)}, true
	}
	return nil, false
}

// busEvent is the CloudEvent that is the detail of an EventBridge event, or else the event itself.
func busEvent(body []byte, e envelope) parsed {
	if signal, err := ParseEvent(e.detail); loop.CodeOf(err) != loop.CodeInvalidEvent {
		return parsed{raw: body, signal: signal, err: err}
	}
	n := notice{id: e.id, source: e.source, typ: e.detailType, time: e.time, data: e.detail}
	if len(e.resources) > 0 {
		n.subject = e.resources[0]
	}
	p := n.parsed()
	p.raw = body
	return p
}
