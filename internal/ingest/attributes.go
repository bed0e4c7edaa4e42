package ingest

import (
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// draft gathers an event's attributes, from a JSON document or from headers, and says whether they are a
// CloudEvent. Both ways in share it, so that an event means the same however it was sent.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes
type draft struct {
	loop.Signal
	version    string
	versioned  bool
	binaryData bool // data_base64 was there, be it empty
}

// standard are the attributes that CloudEvents names; their values are strings.
var standard = map[string]bool{
	"id": true, "source": true, "type": true, "subject": true, "time": true, "dataschema": true, "datacontenttype": true,
}

// checkVersion takes 1.0 and nothing else: 0.3 gave attributes other names and meanings, and of a later major
// version nobody here knows what it means.
func (d *draft) checkVersion() error {
	switch {
	case !d.versioned:
		return loop.Refuse(loop.CodeInvalidEvent, `specversion is missing; it must be "1.0"`)
	case d.version != "1.0":
		return loop.Refuse(loop.CodeInvalidEvent, `specversion %s is not supported; it must be "1.0"`, quoteName(d.version))
	}
	return nil
}

// set takes one attribute other than specversion and the data.
func (d *draft) set(name, value string) error {
	if !validName(name) {
		return loop.Refuse(loop.CodeInvalidEvent, "attribute name %s: names are lower-case letters and digits", quoteName(name))
	}
	if !validText(value) {
		return loop.Refuse(loop.CodeInvalidEvent, "%s has a control character or is not Unicode text", name)
	}
	if standard[name] && value == "" {
		return loop.Refuse(loop.CodeInvalidEvent, "%s is empty; leave it out or give it a value", name)
	}
	switch name {
	case "id":
		d.ID = value
	case "source":
		d.Source = value
	case "type":
		d.Type = value
	case "subject":
		d.Subject = value
	case "time":
		return d.setTime(value)
	case "dataschema":
		d.DataSchema = value
	case "datacontenttype":
		if value != plainJSON && !mediaType(value) {
			return loop.Refuse(loop.CodeInvalidEvent, "datacontenttype is not a media type")
		}
		d.DataContentType = value
	case "data", "specversion":
		return loop.Refuse(loop.CodeInvalidEvent, "%s is not an attribute that can be set here", name)
	default:
		if d.Extensions == nil {
			d.Extensions = map[string]string{}
		}
		d.Extensions[name] = value
	}
	return nil
}

// setTime takes RFC 3339 within the years that its own form can show again in UTC. Year 1 begins with Go's zero
// time, which means that there is none. Go's parser takes more than the RFC: an hour of one digit, a comma for
// the point, offsets of a hundred hours (https://go.dev/issue/54580); two regions may run two versions of it.
func (d *draft) setTime(value string) error {
	value = strings.ToUpper(value)
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil || value[13] != ':' || strings.Contains(value, ",") || !validOffset(value) {
		return loop.Refuse(loop.CodeInvalidEvent, "time is not RFC 3339; write it like 2026-01-02T15:04:05Z")
	}
	t = t.UTC()
	if y := t.Year(); t.IsZero() || y < 1 || y > 9999 {
		return loop.Refuse(loop.CodeInvalidEvent, "time is outside the years 1 to 9999")
	}
	d.Time = t
	return nil
}

// validOffset checks the end of a time that has been parsed: Z, or hours to 23 and minutes to 59.
func validOffset(value string) bool {
	if strings.HasSuffix(value, "Z") {
		return true
	}
	offset := value[len(value)-5:]
	return offset[:2] <= "23" && offset[3:] <= "59"
}

// signal is a producer's.
func (d *draft) signal() (loop.Signal, error) {
	if err := d.named(); err != nil {
		return loop.Signal{}, err
	}
	// A forged outcome or canary would make the loop believe its own voice. Schemes are case-insensitive.
	own := hasPrefixFold(d.Source, loop.OwnSourcePrefix)
	for _, prefix := range [...]string{loop.OutcomeTypePrefix, loop.InputTypePrefix, loop.HealthTypePrefix, loop.CanaryType} {
		own = own || hasPrefixFold(d.Type, prefix)
	}
	if own {
		return loop.Signal{}, errReserved()
	}
	return d.whole()
}

// canary is one that claims to be the loop's own, which is yet to be proven.
func (d *draft) canary() (loop.Signal, error) {
	if err := d.named(); err != nil {
		return loop.Signal{}, err
	}
	if d.Source != loop.CanarySource || d.Type != loop.CanaryType {
		return loop.Signal{}, errReserved()
	}
	return d.whole()
}

func errReserved() error {
	return loop.Refuse(loop.CodeReserved, "sources %q and types %q, %q, %q and %q belong to the loop itself",
		loop.OwnSourcePrefix+"*", loop.OutcomeTypePrefix+"*", loop.InputTypePrefix+"*", loop.HealthTypePrefix+"*", loop.CanaryType+"*")
}

// named checks that there is what identifies an event.
func (d *draft) named() error {
	for _, a := range [...]struct{ name, value string }{{"id", d.ID}, {"source", d.Source}, {"type", d.Type}} {
		if a.value == "" {
			return loop.Refuse(loop.CodeInvalidEvent, "%s is missing", a.name)
		}
	}
	return nil
}

// whole checks what only the whole event shows.
func (d *draft) whole() (loop.Signal, error) {
	if d.Data != nil && d.binaryData {
		return loop.Signal{}, loop.Refuse(loop.CodeInvalidEvent, "data and data_base64 exclude each other")
	}
	if d.Data != nil && d.Data[0] != '"' && !isJSON(d.DataContentType) {
		return loop.Signal{}, loop.Refuse(loop.CodeInvalidEvent, "data must be a string, as datacontenttype is not JSON")
	}
	return d.Signal, d.checkSize()
}

// checkSize limits the form in which the signal travels, which escapes can make longer than what was sent.
func (d *draft) checkSize() error {
	const names, worst = 256, 6 // member names and punctuation; bytes that one byte of an attribute may become
	n := len(d.ID) + len(d.Source) + len(d.Type) + len(d.Subject) + len(d.DataSchema) + len(d.DataContentType)
	for k, v := range d.Extensions {
		n += len(k) + len(v) + 6
	}
	if names+worst*n+len(d.Data)+len(d.DataBase64) <= loop.MaxSignalBytes {
		return nil // almost every signal: no need to write it out only to measure it
	}
	b, err := d.MarshalJSON()
	if err != nil {
		return loop.Refuse(loop.CodeMalformed, "the event cannot be written as JSON")
	}
	if len(b) > loop.MaxSignalBytes {
		return tooLarge(len(b))
	}
	return nil
}

// plainJSON is what nearly every event says, and needs no parsing.
const plainJSON = "application/json"

func mediaType(s string) bool {
	media, _, err := mime.ParseMediaType(s)
	return err == nil && strings.Contains(media, "/")
}

// isJSON says whether a datacontenttype declares JSON: */json, */*+json, or none at all.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == plainJSON {
		return true
	}
	media, _, _ := mime.ParseMediaType(contentType)
	return strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}

// validName: "MUST consist of lower-case letters ('a' to 'z') or digits ('0' to '9')".
func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// validText: no control characters, no noncharacters, no surrogates.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
func validText(s string) bool {
	for i, r := range s {
		switch {
		case r < 0x20, 0x7F <= r && r <= 0x9F, 0xFDD0 <= r && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
			return false
		case r == utf8.RuneError && s[i] != 0xEF: // the replacement character itself is fine
			return false
		}
	}
	return true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// quoteName shows a name from outside, short and without anything that could break a log line.
func quoteName(name string) string {
	const most = 40
	short := make([]rune, 0, most)
	for _, r := range name {
		if len(short) == most {
			short = append(short, '…')
			break
		}
		if r < 0x20 || r >= 0x7F {
			r = '?'
		}
		short = append(short, r)
	}
	return `"` + string(short) + `"`
}
