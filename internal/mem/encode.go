package mem

import (
	"bytes"
	"encoding/json"
)

// encode writes v as JSON and leaves the JSON values inside it as they are: what was rendered is stored to the byte.
func encode(v any) ([]byte, error) {
	var doc bytes.Buffer
	enc := json.NewEncoder(&doc)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(doc.Bytes(), []byte("\n")), nil
}
