package ingest

import (
	"mime"
	"net/http"
	"strings"

	"example.com/unbroken/internal/loop"
)

// mode is how a request carries its events.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3-http-message-mapping
type mode int

const (
	structured mode = iota
	batched
	binary
)

// Media types of the structured modes.
const (
	MediaEvent = "application/cloudevents+json"
	MediaBatch = "application/cloudevents-batch+json"
)

// modeOf finds the mode from the Content-Type, as the binding demands, and refuses what would have two readings.
// The binding lets a structured request repeat its attributes as headers; we do not: a proxy or a filter that
// looks at the headers and a loop that looks at the body must never see two different signals.
func modeOf(h http.Header) (mode, error) {
	inHeaders := false
	for name := range h {
		inHeaders = inHeaders || hasPrefixFold(name, cePrefix)
	}
	types := h.Values("Content-Type")
	if len(types) > 1 {
		return 0, loop.Refuse(loop.CodeMalformed, "more than one Content-Type")
	}
	media, params := "", map[string]string{}
	if len(types) == 1 && types[0] != "" {
		var err error
		if media, params, err = mime.ParseMediaType(types[0]); err != nil {
			return 0, loop.Refuse(loop.CodeUnsupported, "Content-Type is not a media type")
		}
	}
	var found mode
	switch {
	case media == MediaEvent:
		found = structured
	case media == MediaBatch:
		found = batched
	case inHeaders && !strings.HasPrefix(media, "application/cloudevents"):
		return binary, nil
	default:
		return 0, loop.Refuse(loop.CodeUnsupported, "send %s, %s, or ce-* headers with the data as the body", MediaEvent, MediaBatch)
	}
	if inHeaders {
		return 0, loop.Refuse(loop.CodeMalformed, "binary and structured mode at once: send the attributes in the body or in ce-* headers, not in both")
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return 0, loop.Refuse(loop.CodeUnsupported, "charset: JSON is UTF-8")
	}
	return found, nil
}
