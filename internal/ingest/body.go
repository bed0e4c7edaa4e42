package ingest

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"example.com/unbroken/internal/loop"
)

// readBody reads at most loop.MaxBodyBytes, counted after decompression: a gzip bomb of a few kilobytes grows a
// thousandfold, so it is unpacked only as far as the limit and one byte.
func readBody(r *http.Request) ([]byte, error) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > loop.MaxBodyBytes {
		return nil, bodyTooLarge()
	}
	switch encoding {
	case "", "identity":
		return limited(r.Body, "the body could not be read")
	case "gzip", "x-gzip":
		// The packed form is bounded too: gzip admits endless empty members that unpack to nothing.
		packed, err := limited(r.Body, "the body could not be read")
		if err != nil {
			return nil, err
		}
		unpacked, err := gzip.NewReader(strings.NewReader(string(packed)))
		if err != nil {
			return nil, loop.Refuse(loop.CodeMalformed, "the body is not gzip, as Content-Encoding says")
		}
		return limited(unpacked, "the body is not gzip to its end")
	}
	return nil, loop.Refuse(loop.CodeUnsupported, "Content-Encoding: only gzip is understood")
}

func limited(r io.Reader, what string) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, loop.MaxBodyBytes+1))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || len(body) > loop.MaxBodyBytes {
		return nil, bodyTooLarge()
	}
	if err != nil {
		return nil, loop.Refuse(loop.CodeMalformed, "%s", what)
	}
	return body, nil
}

func bodyTooLarge() error {
	return loop.Refuse(loop.CodeTooLarge, "the body has more than %d bytes; send several requests", loop.MaxBodyBytes)
}
