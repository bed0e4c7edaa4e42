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
	// An empty key is none, so that a secret that is blank opens nothing.
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return nil
	}
	got := sha256.Sum256([]byte(key))
	return func(secret []byte) bool {
		want := sha256.Sum256(bytes.TrimSpace(secret)) // without the line end that an editor left behind
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}
}
