package loop

import (
	"bytes"
	"encoding/json"
)

// Marshal writes v as JSON and leaves <, > and & as they are. json.Marshal makes six bytes of each, for the sake of
// HTML that nobody here makes: a signal full of them would grow beyond the limits that it kept when it was sent.
func Marshal(v any) ([]byte, error) {
	var doc bytes.Buffer
	enc := json.NewEncoder(&doc)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(doc.Bytes(), []byte("\n")), nil // an Encoder ends what it writes with a line break
}
