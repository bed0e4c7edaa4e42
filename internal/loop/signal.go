package loop

import (
	"encoding/json"
	"strings"
	"time"
)

// Limits that every stage agrees on (DESIGN section 8).
const (
	MaxSignalBytes  = 256 << 10
	MaxRequestBytes = 256 << 10
	MaxEffectBytes  = 384 << 10 // as JSON; with the rest of its claim an effect stays below DynamoDB's 400 KB an item
	MaxBodyBytes    = 1 << 20
	MaxBatchEvents  = 500
	MaxPendingBytes = 300 << 10
	MaxHops         = 8
	MaxDelay        = 900 * time.Second // SQS DelaySeconds
)

// OwnSourcePrefix starts the source of every signal that the loop itself makes. From outside it is refused.
const OwnSourcePrefix = "unbroken:"

// OwnTypePrefix starts the types of the loop's own signals.
const OwnTypePrefix = "unbroken."

// OutcomeTypePrefix starts the type of an outcome signal; the effect's final status follows.
const OutcomeTypePrefix = "unbroken.effect."

// Signal is a CloudEvents 1.0 event: source and id identify it, subject names what it is about.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
type Signal struct {
	ID              string
	Source          string
	Type            string
	Subject         string
	Time            time.Time // zero where the producer gave none
	DataSchema      string
	DataContentType string
	Data            json.RawMessage   // a JSON value; nil where there is none
	DataBase64      string            // binary data, as it travels; excludes Data
	Extensions      map[string]string // lower-case names
}

// Key identifies the signal in every region.
func (s Signal) Key() string { return SignalKey(s.Source, s.ID) }

// EventTime is the time that windows run on.
func (s Signal) EventTime(acceptedAt time.Time) time.Time {
	if s.Time.IsZero() {
		return acceptedAt.UTC()
	}
	return s.Time.UTC()
}

// Own says whether the loop itself made the signal.
func (s Signal) Own() bool { return strings.HasPrefix(s.Source, OwnSourcePrefix) }

// MarshalJSON writes the CloudEvents JSON format with attributes in a fixed order, so that one signal has one
// form. Write it with Marshal: json.Marshal would escape what this leaves as it is.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
func (s Signal) MarshalJSON() ([]byte, error) {
	type attributes struct {
		SpecVersion     string          `json:"specversion"`
		Type            string          `json:"type"`
		Source          string          `json:"source"`
		ID              string          `json:"id"`
		Subject         string          `json:"subject,omitempty"`
		Time            string          `json:"time,omitempty"`
		DataSchema      string          `json:"dataschema,omitempty"`
		DataContentType string          `json:"datacontenttype,omitempty"`
		Data            json.RawMessage `json:"data,omitempty"`
		DataBase64      string          `json:"data_base64,omitempty"`
	}
	a := attributes{
		SpecVersion: "1.0", Type: s.Type, Source: s.Source, ID: s.ID, Subject: s.Subject,
		DataSchema: s.DataSchema, DataContentType: s.DataContentType, Data: s.Data, DataBase64: s.DataBase64,
	}
	if !s.Time.IsZero() {
		a.Time = s.Time.UTC().Format(time.RFC3339Nano)
	}
	b, err := Marshal(a)
	if err != nil || len(s.Extensions) == 0 {
		return b, err
	}
	ext, err := Marshal(s.Extensions)
	if err != nil {
		return nil, err
	}
	b[len(b)-1] = ','
	return append(b, ext[1:]...), nil
}
