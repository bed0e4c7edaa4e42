package ingest

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	"example.com/unbroken/internal/loop"
)

// delivery is the body of a request, unpacked, and what is needed to make events of it.
type delivery struct {
	name   string // of the input
	input  loop.Input
	mapper Mapper
	header http.Header
	body   []byte
}

// format makes events of a delivery. An error is about the delivery as a whole; what is wrong with one event stands
// beside it. batch says that there may be any number of events.
type format func(d delivery) (events []parsed, batch bool, err error)

// Mapper makes the attributes and the data of a signal from a JSON body, as the input of format json declares it. Its
// errors are refusals; data is nil where the body is to be the data.
type Mapper interface {
	Map(input string, body []byte) (attributes map[string]string, data json.RawMessage, err error)
}

// formats by their name in loop.yaml; one file each.
func formatOf(name string) format {
	switch cmp.Or(name, loop.FormatCloudEvents) {
	case loop.FormatCloudEvents:
		return cloudEvents
	case loop.FormatJSON:
		return mappedJSON
	case loop.FormatAlertmanager:
		return alertmanager
	case loop.FormatGrafana:
		return grafana
	case loop.FormatGitHub:
		return github
	}
	return func(delivery) ([]parsed, bool, error) {
		return nil, false, loop.Refuse(loop.CodeUnsupported, "this input has a format that this version does not know")
	}
}

// checkHeaders refuses what net/http refuses on the wire: behind a gateway the headers arrive as data.
func checkHeaders(h http.Header) error {
	for _, values := range h {
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return loop.Refuse(loop.CodeMalformed, "a line break or NUL in a header")
			}
		}
	}
	return nil
}

// jsonBody is the canonical copy of a body that must be a JSON object, and say so. It stands one level deep: what is
// inside becomes the data of an event.
func jsonBody(d delivery) ([]byte, error) {
	types := d.header.Values("Content-Type")
	if len(types) != 1 {
		return nil, loop.Refuse(loop.CodeUnsupported, "send one Content-Type: application/json")
	}
	media, params, err := mime.ParseMediaType(types[0])
	if charset := params["charset"]; err != nil || media == "" || !isJSON(media) || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, loop.Refuse(loop.CodeUnsupported, "send application/json in UTF-8")
	}
	body, err := canonical(d.body, 1)
	if err == nil && body[0] != '{' {
		return nil, loop.Refuse(loop.CodeMalformed, "expected a JSON object")
	}
	return body, err
}

// field is a member of a JSON object, and what it is decoded into: a pointer, or the fields of its own that are taken.
type field struct {
	name string
	into any
}

type fields []field

// take decodes members of an object that the scanner has found sound, by their exact names. encoding/json takes "Status"
// for "status" as well, and the last one wins: an alert would be named by another status than rules see in its data.
func take(object []byte, members ...field) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(object, &all) != nil {
		return loop.Refuse(loop.CodeInvalidEvent, "the body is not of the expected form")
	}
	for _, f := range members {
		member, there := all[f.name]
		if !there {
			continue
		}
		if inner, ok := f.into.(fields); ok {
			if err := take(member, inner...); err != nil {
				return err
			}
		} else if json.Unmarshal(member, f.into) != nil {
			return loop.Refuse(loop.CodeInvalidEvent, "%s is not of the expected type", f.name)
		}
	}
	return nil
}

// notice is what becomes a signal without having been a CloudEvent. Empty attributes are left out.
type notice struct {
	id, source, typ, subject, time string

	data json.RawMessage // canonical
}

// signal passes the same checks as any event.
func (n notice) signal() (loop.Signal, error) {
	var d draft
	for _, a := range [...]struct{ name, value string }{{"id", n.id}, {"source", n.source}, {"type", n.typ}, {"subject", n.subject}, {"time", n.time}} {
		if a.value == "" {
			continue
		}
		if err := d.set(a.name, a.value); err != nil {
			return loop.Signal{}, err
		}
	}
	d.Data = n.data
	return d.signal()
}

func (n notice) parsed() parsed {
	signal, err := n.signal()
	return parsed{raw: n.data, signal: signal, err: err}
}
