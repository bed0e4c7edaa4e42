package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"example.com/unbroken/internal/loop"
)

// ParseEvent reads one structured CloudEvents 1.0 event. What it accepts has exactly one form: marshalled and
// parsed again it is equal, so every copy of a signal, in every region, is decided alike.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
//
// Its errors are *loop.Refusal.
func ParseEvent(raw []byte) (loop.Signal, error) { return parse(raw, (*draft).signal) }

// parse reads one event; end says whether what was read is one that may come in.
func parse(raw []byte, end func(*draft) (loop.Signal, error)) (loop.Signal, error) {
	if len(raw) > loop.MaxSignalBytes {
		return loop.Signal{}, tooLarge(len(raw))
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return loop.Signal{}, loop.Refuse(loop.CodeMalformed, "empty: expected a CloudEvent")
	}
	s := newScanner(raw)
	defer s.done()
	if err := s.value(); err != nil {
		return loop.Signal{}, err
	}
	if err := s.finish(); err != nil {
		return loop.Signal{}, err
	}
	return s.event(0, end)
}

// parsed is one event of a batch as it came, and what was made of it.
type parsed struct {
	raw    []byte
	signal loop.Signal
	err    error
}

// parseBatch reads a JSON array of events. An error is about the whole document: it is not JSON, or there are
// too many. What is wrong with one event stands beside it and touches no other.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format
func parseBatch(raw []byte) ([]parsed, error) {
	s := newScanner(raw)
	defer s.done()
	if s.space(); s.peek() != '[' {
		return nil, loop.Refuse(loop.CodeMalformed, "expected a JSON array of CloudEvents")
	}
	s.pos++
	events := []parsed{}
	if s.space(); s.peek() == ']' {
		s.pos++
		return events, s.finish()
	}
	for {
		if len(events) == loop.MaxBatchEvents {
			return nil, loop.Refuse(loop.CodeBatchTooLarge, "more than %d events in one batch: send several", loop.MaxBatchEvents)
		}
		s.space()
		from, copied := s.pos, len(s.out)
		if err := s.value(); err != nil {
			return nil, err
		}
		p := parsed{raw: raw[from:s.pos]}
		if len(p.raw) > loop.MaxSignalBytes {
			p.err = tooLarge(len(p.raw))
		} else {
			p.signal, p.err = s.event(copied, (*draft).signal)
		}
		events = append(events, p)
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return events, s.finish()
		default:
			return nil, s.grammar("expected a comma or ']'")
		}
	}
}

// event makes a signal of the value that the scanner has just read; its copy starts at out[from].
func (s *scanner) event(from int, end func(*draft) (loop.Signal, error)) (loop.Signal, error) {
	if s.breach != nil {
		return loop.Signal{}, s.breach
	}
	if s.out[from] != '{' {
		return loop.Signal{}, loop.Refuse(loop.CodeMalformed, "expected a JSON object, a CloudEvent")
	}
	var d draft
	// The version comes first: what the other names mean depends on it.
	for _, m := range s.members {
		if string(m.name) == "specversion" {
			d.version, d.versioned = attribute(s.out[m.start:m.end])
		}
	}
	if err := d.checkVersion(); err != nil {
		return loop.Signal{}, err
	}
	for _, m := range s.members {
		if err := d.member(string(m.name), s.out[m.start:m.end:m.end]); err != nil {
			return loop.Signal{}, err
		}
	}
	return end(&d)
}

// member takes one member of a structured event.
func (d *draft) member(name string, value []byte) error {
	switch name {
	case "specversion":
		return nil
	case "data":
		d.Data = json.RawMessage(value) // null is a payload here, not an absence
		return nil
	}
	if string(value) == "null" { // "MUST be treated as the equivalent of unset or omitted"
		return nil
	}
	text, ok := attribute(value)
	if name == "data_base64" {
		if !ok {
			return loop.Refuse(loop.CodeInvalidEvent, "data_base64 must be a string")
		}
		return d.binary(text)
	}
	if standard[name] {
		if !ok {
			return loop.Refuse(loop.CodeInvalidEvent, "%s must be a string", name)
		}
		return d.set(name, text)
	}
	if !ok {
		if text, ok = scalar(value); !ok {
			return loop.Refuse(loop.CodeInvalidEvent, "extension attribute %s must be a string, a boolean or a whole number of 32 bits", quoteName(name))
		}
	}
	return d.set(name, text)
}

// attribute decodes a JSON string of the canonical copy.
func attribute(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') >= 0 {
		return string(unquote(value)), true
	}
	return string(value[1 : len(value)-1]), true
}

// scalar is the canonical string form of a boolean or an integer, which CloudEvents limits to 32 bits.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
func scalar(value []byte) (string, bool) {
	text := string(value)
	if text == "true" || text == "false" {
		return text, true
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return "", false
	}
	return strconv.FormatInt(n, 10), true
}

// binary takes data_base64. Go's decoder skips line breaks, the format has none.
func (d *draft) binary(text string) error {
	if d.binaryData = true; text == "" {
		return nil
	}
	buf := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	if _, err := base64.StdEncoding.Strict().Decode(buf, []byte(text)); err != nil || bytes.ContainsAny([]byte(text), "\r\n") {
		return loop.Refuse(loop.CodeInvalidEvent, "data_base64 is not base64 (RFC 4648, with padding)")
	}
	d.DataBase64 = text
	return nil
}

func tooLarge(n int) error {
	return loop.Refuse(loop.CodeTooLarge, "the event has %d bytes; the limit is %d", n, loop.MaxSignalBytes)
}
