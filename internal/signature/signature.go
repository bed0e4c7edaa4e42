// Package signature is the symmetric scheme of Standard Webhooks 1.0.0, for what is sent and for what comes in: `v1,`
// and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`. It knows bytes, and no HTTP.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// secretPrefix marks a secret in the serialization of the specification; any other is taken as raw bytes.
const secretPrefix = "whsec_"

// Key reads a secret as it is stored. Its errors never quote it.
func Key(secret []byte) ([]byte, error) {
	encoded, ok := strings.CutPrefix(string(secret), secretPrefix)
	if !ok {
		if len(secret) == 0 {
			return nil, errors.New("it is empty")
		}
		return secret, nil
	}
	// A line end is what an editor or a shell leaves behind, never part of base64.
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(key) == 0 {
		return nil, errors.New("what follows whsec_ is not base64")
	}
	return key, nil
}

// Of signs. The parts cannot run into each other where the id has no full stop.
func Of(key []byte, id, timestamp, body string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "." + body)) // a hash never fails to write
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Timestamp is that of an attempt, in whole seconds; receivers refuse one that is minutes old.
func Timestamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
