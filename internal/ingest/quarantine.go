package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// Quarantined is what lies on `inbox-dlq` for an event that was refused: why, and what was received, whole. It
// is no loop.Item, because what was received need not be JSON, nor even text.
type Quarantined struct {
	V          int             `json:"v"`
	Quarantine loop.Quarantine `json:"quarantine"`
	Body       string          `json:"body"`
	Encoding   string          `json:"encoding"`
}

// Values of Quarantined.Encoding.
const (
	EncodingText   = "text"
	EncodingBase64 = "base64"
)

const quarantineVersion = 1

// maxMessageBytes is what SQS takes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxMessageBytes = 1 << 20

// Raw is what was received, to the byte.
func (q Quarantined) Raw() ([]byte, error) {
	switch q.Encoding {
	case EncodingText:
		return []byte(q.Body), nil
	case EncodingBase64:
		return base64.StdEncoding.DecodeString(q.Body)
	}
	return nil, fmt.Errorf("quarantine record: encoding %q is unknown to this version", q.Encoding)
}

// encodeQuarantined writes a record as text where that is faithful and shorter, else as base64. One that fits
// no message is an error: its message then stays unacknowledged, and SQS itself moves it to the dead-letter
// queue in the end, whole, though without the reason.
func encodeQuarantined(raw []byte, why loop.Quarantine) ([]byte, error) {
	body, err := loop.Marshal(Quarantined{
		V: quarantineVersion, Quarantine: why, Encoding: EncodingBase64, Body: base64.StdEncoding.EncodeToString(raw),
	})
	if err == nil && faithful(raw) {
		var text []byte
		text, err = loop.Marshal(Quarantined{V: quarantineVersion, Quarantine: why, Encoding: EncodingText, Body: string(raw)})
		if len(text) <= len(body) || len(text) <= maxMessageBytes {
			body = text // for people to read
		}
	}
	if err != nil {
		return nil, fmt.Errorf("encode a quarantine record: %w", err)
	}
	if len(body) > maxMessageBytes {
		return nil, fmt.Errorf("the quarantine record has %d bytes, more than a message holds", len(body))
	}
	return body, nil
}

// faithful says whether raw survives as a JSON string on SQS; see scanner.text for what SQS replaces.
func faithful(raw []byte) bool {
	return utf8.Valid(raw) && !bytes.ContainsAny(raw, "\uFFFE\uFFFF")
}

// redriven finds a record that an operator moved from the dead-letter queue back to `inbox`, so that a redrive
// tries what was received and does not quarantine the quarantine. The record gets no trust for its form: anyone
// who may send to `inbox` can write one, and its body passes the same checks as any other.
func redriven(body []byte) ([]byte, bool) {
	if !bytes.HasPrefix(body, []byte(`{"v":1,"quarantine":`)) {
		return nil, false
	}
	var q Quarantined
	if err := json.Unmarshal(body, &q); err != nil || q.Quarantine.Stage != loop.FuncIngestQueue && q.Quarantine.Stage != loop.FuncIngestAlarm {
		return nil, false
	}
	raw, err := q.Raw()
	return raw, err == nil
}
