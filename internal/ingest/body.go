package ingest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"example.com/unbroken/internal/loop"
)

// readBody reads at most loop.MaxBodyBytes, as they come over the wire: that is what signatures are over. gzip admits
// endless empty members that unpack to nothing, so the packed form is bounded too.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > loop.MaxBodyBytes {
		return nil, bodyTooLarge()
	}
	return limited(r.Body, "the body could not be read")
}

// unpack undoes the Content-Encoding. loop.MaxBodyBytes count after it as well: a gzip bomb of a few kilobytes grows a
// thousandfold, so it is unpacked only as far as the limit and one byte.
func unpack(h http.Header, packed []byte) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ","))) {
	case "", "identity":
		return packed, nil
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
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
