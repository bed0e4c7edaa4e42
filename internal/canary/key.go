package canary

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"example.com/unbroken/internal/loop"
)

// Extension attributes of a canary: which key signed it, and the signature in base64.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#extension-context-attributes
const (
	keyAttribute       = "canarykey"
	signatureAttribute = "canarysignature"
)

// Key is what one sender signs with for as long as its process lives. The private half never leaves this memory, so that
// there is nothing to keep secret anywhere else, and nothing to rotate.
type Key struct {
	private ed25519.PrivateKey
	id      string
}

// NewKey draws a key. What random reads decides it wholly, so that a simulation repeats itself.
func NewKey(random io.Reader) (*Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("draw a canary's key: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	return &Key{private, loop.H("canarykey", string(public(private)))[:idLength]}, nil
}

const idLength = 16

func public(private ed25519.PrivateKey) []byte { return private[ed25519.SeedSize:] }

// announced is what ingest has to know of a key, `canarykey#{region}` / its id.
type announced struct {
	Public []byte    `json:"public"` // Ed25519
	At     time.Time `json:"at"`
}

// sign makes the canary of a kind and an instant that this key answers for.
func (k *Key) sign(region, kind string, at time.Time) loop.Signal {
	signature := ed25519.Sign(k.private, []byte(id(region, kind, at)))
	return signal(region, kind, at, k.id, base64.StdEncoding.EncodeToString(signature))
}

// signal is the one form that a canary has: all of it follows from its region, its kind and its time.
func signal(region, kind string, at time.Time, key, signature string) loop.Signal {
	return loop.Signal{
		ID: id(region, kind, at), Source: loop.CanarySource, Type: loop.CanaryType, Time: at,
		Extensions: map[string]string{keyAttribute: key, signatureAttribute: signature},
	}
}

// id is what is signed. Region and kind have no slash.
func id(region, kind string, at time.Time) string {
	return region + "/" + kind + "/" + at.Format(time.RFC3339Nano)
}
