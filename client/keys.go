package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"example.com/unbroken/internal/signature"
)

// Bearer shows a key, to an input with `auth: bearer`.
type Bearer struct{ Key string }

var _ Signer = Bearer{}

// Sign implements Signer.
func (b Bearer) Sign(_ context.Context, req *http.Request, _ string, _ []byte) error {
	req.Header.Set("Authorization", "Bearer "+b.Key)
	return nil
}

// HMAC signs as Standard Webhooks says, for an input with `auth: hmac`. Secret is base64 after whsec_, or raw bytes.
// https://www.standardwebhooks.com
type HMAC struct {
	Secret []byte
	Now    func() time.Time
}

var _ Signer = HMAC{}

// Sign implements Signer. The id is that of the batch: the signals have their own.
func (s HMAC) Sign(_ context.Context, req *http.Request, _ string, body []byte) error {
	key, err := signature.Key(s.Secret)
	if err != nil {
		return fmt.Errorf("the secret cannot sign: %w", err)
	}
	sum := sha256.Sum256(body)
	id, at := "msg_"+hex.EncodeToString(sum[:16]), signature.Timestamp(s.Now())
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", signature.Of(key, id, at, string(body)))
	return nil
}
