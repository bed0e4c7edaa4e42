package ingest

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// bearerProof reads `Authorization: Bearer KEY`. Hashes are compared, so that not even the length of the key shows.
// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func bearerProof(h http.Header) proof {
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return nil
	}
	got := sha256.Sum256([]byte(key))
	return func(secret []byte) bool {
		secret = bytes.TrimSpace(secret) // the line end that an editor left behind
		want := sha256.Sum256(secret)
		return len(secret) > 0 && subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}
}
