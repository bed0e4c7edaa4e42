package ingest

import (
	"encoding/base64"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// cePrefix starts the name of every header that is an attribute in binary mode.
const cePrefix = "ce-"

// parseBinary reads an event whose attributes are headers and whose data is the body.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#31-binary-content-mode
func parseBinary(h http.Header, body []byte) (loop.Signal, error) {
	if len(body) > loop.MaxSignalBytes {
		return loop.Signal{}, tooLarge(len(body))
	}
	attributes := map[string]string{}
	for header, values := range h {
		name := strings.ToLower(header)
		if !strings.HasPrefix(name, cePrefix) {
			continue
		}
		name = name[len(cePrefix):]
		if _, twice := attributes[name]; twice || len(values) != 1 {
			return loop.Signal{}, loop.Refuse(loop.CodeInvalidEvent, "header %s stands more than once", quoteName(cePrefix+name))
		}
		value, ok := decodeHeader(values[0])
		if !ok {
			return loop.Signal{}, loop.Refuse(loop.CodeInvalidEvent, "header %s is not percent-encoded ASCII", quoteName(cePrefix+name))
		}
		attributes[name] = value
	}
	var d draft
	d.version, d.versioned = attributes["specversion"]
	if err := d.checkVersion(); err != nil {
		return loop.Signal{}, err
	}
	delete(attributes, "specversion")
	if _, both := attributes["datacontenttype"]; both { // "MUST NOT also be present"
		return loop.Signal{}, loop.Refuse(loop.CodeInvalidEvent, "ce-datacontenttype: in binary mode that is the Content-Type")
	}
	if contentType := h.Get("Content-Type"); contentType != "" {
		attributes["datacontenttype"] = contentType
	}
	for name, value := range attributes {
		if err := d.set(name, value); err != nil {
			return loop.Signal{}, err
		}
	}
	if err := d.body(body); err != nil {
		return loop.Signal{}, err
	}
	return d.signal()
}

// body takes the data. JSON stays JSON and text becomes a string, so that rules can look at them; anything else
// travels as base64.
func (d *draft) body(body []byte) (err error) {
	media, params, _ := mime.ParseMediaType(d.DataContentType)
	charset := strings.ToLower(params["charset"])
	switch {
	case len(body) == 0:
		return nil
	case isJSON(d.DataContentType):
		// One level down: that is where the data stands in the form in which the signal travels on.
		d.Data, err = canonical(body, 1)
		return err
	case strings.HasPrefix(media, "text/") && (charset == "" || charset == "utf-8" || charset == "us-ascii") && utf8.Valid(body):
		text, err := loop.Marshal(string(body))
		if err != nil {
			return loop.Refuse(loop.CodeMalformed, "the body cannot be written as a JSON string")
		}
		d.Data, err = canonical(text, 1)
		return err
	}
	d.binaryData = true
	d.DataBase64 = base64.StdEncoding.EncodeToString(body)
	return nil
}

// decodeHeader takes off double quotes with their backslashes, then one round of percent-encoding, in this
// order. Whether the bytes are text that an attribute may hold is checked where every attribute is.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3132-http-header-values
func decodeHeader(value string) (string, bool) {
	value = strings.Trim(value, " \t")
	bare := make([]byte, 0, len(value))
	quoted := false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c >= utf8.RuneSelf || c < 0x20 && c != '\t':
			return "", false
		case c == '"':
			quoted = !quoted
			continue
		case c == '\\' && quoted:
			if i++; i == len(value) {
				return "", false
			}
			c = value[i]
		}
		bare = append(bare, c)
	}
	if quoted {
		return "", false
	}
	return unpercent(bare)
}

func unpercent(s []byte) (string, bool) {
	out := s[:0]
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return "", false
			}
			high, ok := unhex(s[i+1])
			low, ok2 := unhex(s[i+2])
			if !ok || !ok2 {
				return "", false
			}
			c = high<<4 | low
			i += 2
		}
		out = append(out, c)
	}
	return string(out), true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10, true
	}
	return 0, false
}
