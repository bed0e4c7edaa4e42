package ingest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// gitHubProof reads X-Hub-Signature-256, an HMAC over the body alone. Neither a time nor the id of the delivery is
// signed, so whoever has seen a delivery could send it again under another id; TLS has to keep it unseen.
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func gitHubProof(h http.Header, body []byte) proof {
	encoded, ok := strings.CutPrefix(h.Get("X-Hub-Signature-256"), "sha256=")
	got, err := hex.DecodeString(encoded)
	if !ok || err != nil || len(got) != sha256.Size {
		return nil
	}
	return func(secret []byte) bool {
		secret = bytes.TrimSpace(secret) // the line end that an editor left behind
		mac := hmac.New(sha256.New, secret)
		mac.Write(body) // a hash never fails to write
		return len(secret) > 0 && hmac.Equal(got, mac.Sum(nil))
	}
}
