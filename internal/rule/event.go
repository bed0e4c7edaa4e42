package rule

import (
	"strings"
	"time"
	"unsafe"

	"cel.dev/cel-go/common/types/ref"
	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// Type reads a CloudEvent's type and nothing else. Most signals match no rule, and this is all they cost.
func Type(raw []byte) string { return gjson.GetBytes(raw, "type").String() }

// Event is one signal as rules see it. It keeps the bytes and reads from them what is asked for: the attributes
// in one pass on first use, members of data when an expression names them. Not safe for concurrent use.
//
// raw must be one JSON object, as decoding the envelope has established; other bytes give missing attributes,
// never a panic.
type Event struct {
	raw        string
	acceptedAt time.Time

	read    bool
	id      string
	source  string
	typ     string
	subject string
	time    time.Time
	badTime bool
	data    gjson.Result

	key     string // signalKey, computed once
	vars    activation
	signal  *object // the CEL variable `signal`
	celData ref.Val
	fault   error // a panic while matching, answered by the next evaluation so that the signal is kept
}

// NewEvent wraps the CloudEvents JSON of one signal, which must stay as it is for as long as the event is in use: it is
// not copied. What is made of the event (keys, effects) does not refer to it. acceptedAt is the envelope's; it stands in
// for a missing time.
func NewEvent(raw []byte, acceptedAt time.Time) *Event {
	return &Event{raw: unsafe.String(unsafe.SliceData(raw), len(raw)), acceptedAt: acceptedAt} //nolint:gosec // see above
}

// Check refuses a signal that cannot be evaluated at all.
func (e *Event) Check() error {
	e.scan()
	switch {
	case !strings.HasPrefix(strings.TrimLeft(e.raw, " \t\r\n"), "{"):
		return loop.Refuse(loop.CodeMalformed, "the signal is not a JSON object")
	case e.id == "" || e.source == "" || e.typ == "":
		return loop.Refuse(loop.CodeInvalidEvent, "id, source and type are required")
	case e.badTime:
		return loop.Refuse(loop.CodeInvalidEvent, "time is not an RFC 3339 timestamp")
	}
	return nil
}

// Raw is the signal's CloudEvents JSON.
func (e *Event) Raw() string { return e.raw }

// ID is the attribute id.
func (e *Event) ID() string { e.scan(); return e.id }

// Source is the attribute source.
func (e *Event) Source() string { e.scan(); return e.source }

// Type is the attribute type.
func (e *Event) Type() string { e.scan(); return e.typ }

// Subject is the attribute subject, "" where there is none.
func (e *Event) Subject() string { e.scan(); return e.subject }

// Time is the event time, which windows run on: the attribute time or, where it is missing, acceptedAt.
func (e *Event) Time() time.Time {
	e.scan()
	if e.time.IsZero() {
		return e.acceptedAt.UTC()
	}
	return e.time
}

// AcceptedAt is what NewEvent was given.
func (e *Event) AcceptedAt() time.Time { return e.acceptedAt }

// Key is the signal's key, the same in every region.
func (e *Event) Key() string {
	if e.key == "" {
		e.key = loop.SignalKey(e.Source(), e.ID())
	}
	return e.key
}

// conditions are the variables that a condition of a rule may name.
func (e *Event) conditions(rule string) *activation {
	e.vars.event, e.vars.rule = e, rule
	return &e.vars
}

// Position orders the signal among those of its (rule, key).
func (e *Event) Position() loop.Position {
	return loop.Position{Time: e.Time(), SignalKey: e.Key()}
}

// scan reads the attributes in one pass. Of a repeated name the first one counts, here as in member.
func (e *Event) scan() {
	if e.read {
		return
	}
	e.read = true
	var seen [6]bool
	first := func(i int) bool { was := seen[i]; seen[i] = true; return !was }
	gjson.Parse(e.raw).ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "id":
			if first(0) {
				e.id = text(value)
			}
		case "source":
			if first(1) {
				e.source = text(value)
			}
		case "type":
			if first(2) {
				e.typ = text(value)
			}
		case "subject":
			if first(3) {
				e.subject = text(value)
			}
		case "time":
			if first(4) && value.Type != gjson.Null {
				t, err := time.Parse(time.RFC3339Nano, value.Str)
				e.time, e.badTime = t.UTC(), err != nil
			}
		case "data":
			if first(5) {
				e.data = value
			}
		}
		return true
	})
	if e.badTime {
		e.time = time.Time{}
	}
}

// text is a string attribute; any other JSON type counts as missing, as CloudEvents has it.
func text(v gjson.Result) string {
	if v.Type == gjson.String {
		return v.Str
	}
	return ""
}

// attribute finds a top-level member by name.
func (e *Event) attribute(name string) gjson.Result {
	e.scan()
	if name == "data" {
		return e.data
	}
	return member(e.raw, name)
}
