package ingest

import (
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/internal/signature"
)

// A timestamp may be so far from now; what was signed once can be replayed for so long, and is the same signal then.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#verifying-webhook-authenticity
const tolerance = 5 * time.Minute

// maxSignatures is more than a sender with two keys sends. Each costs a comparison, so their number is bounded.
const maxSignatures = 8

// hmacProof reads the headers of Standard Webhooks. Signatures of versions that are not ours are passed over, since
// a sender may add newer ones.
func hmacProof(h http.Header, body []byte, now time.Time) proof {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	given := strings.Fields(h.Get("Webhook-Signature"))
	if err != nil || id == "" || len(given) == 0 || len(given) > maxSignatures ||
		seconds < now.Add(-tolerance).Unix() || seconds > now.Add(tolerance).Unix() {
		return nil
	}
	return func(secret []byte) bool {
		key, err := signature.Key(secret)
		if err != nil {
			return false
		}
		want := []byte(signature.Of(key, id, at, string(body)))
		found := 0
		for _, one := range given {
			found |= subtle.ConstantTimeCompare(want, []byte(one))
		}
		return found == 1
	}
}
