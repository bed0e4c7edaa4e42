package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far a timestamp may be off, as the specification's libraries have it.
const tolerance = 5 * time.Minute

// ErrSignature is why a delivery was refused.
var ErrSignature = errors.New("receiver: signature refused")

func decodeSecret(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return nil, errors.New("receiver: the secret is not whsec_ and base64")
	}
	return key, nil
}

// verify accepts a delivery if any of its v1 signatures is right: senders put several there
// while a secret is rotated.
func verify(key []byte, d Delivery, now time.Time) error {
	if d.WebhookID == "" || d.Timestamp == "" || d.Signature == "" {
		return fmt.Errorf("%w: webhook-id, webhook-timestamp or webhook-signature is missing", ErrSignature)
	}
	seconds, err := strconv.ParseInt(d.Timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: webhook-timestamp is not a number of seconds", ErrSignature)
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > tolerance || off < -tolerance {
		return fmt.Errorf("%w: webhook-timestamp is %s off", ErrSignature, off.Round(time.Second))
	}
	want := sign(key, d.WebhookID, d.Timestamp, d.Body)
	for one := range strings.FieldsSeq(d.Signature) {
		text, ok := strings.CutPrefix(one, "v1,")
		if !ok {
			continue
		}
		got, err := base64.StdEncoding.DecodeString(text)
		if err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("%w: no v1 signature matches", ErrSignature)
}

func sign(key []byte, id, timestamp, body string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "." + body))
	return mac.Sum(nil)
}
