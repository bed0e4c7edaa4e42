package canary

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
)

// Keys are the small JSON items of the `outputs` table, where senders announce their keys. Only the role of a region's
// canary function may write under its loop.CanaryKeyKey.
type Keys interface {
	// Query reads all items of pk from the table of region, by sort key; nil for one that cannot be read.
	Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error)
}

// lookEvery bounds what forged names of keys cost: a read a second, after lookAhead's worth at once, for senders that begin
// together. patience bounds the read. Signals of the same batch wait meanwhile, so the time of a read earns no other one, and one
// that fails is not tried again for lookEvery.
const (
	lookEvery = time.Second
	lookAhead = 3 * time.Second
	patience  = time.Second
)

// Verifier tells the region's own canaries from whatever else calls itself one. It is safe for use by several at once.
type Verifier struct {
	Region string
	Keys   Keys
	Now    func() time.Time

	mu   sync.Mutex
	keys map[string]ed25519.PublicKey // by id, as of the last look
	next time.Time                    // when a look is due, were they a second apart
}

// Verify refuses a signal that is not a canary of this region, of the kind of the way that it came in, and of now. Its
// codes are loop.CodeReserved for what the region's sender has not made just like this, loop.CodeTimeOutOfRange for what it has made,
// and is not of now, and loop.CodeUnavailable while nobody can tell.
func (v *Verifier) Verify(ctx context.Context, kind string, s loop.Signal) error {
	key, err := v.key(ctx, s.Extensions[keyAttribute])
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(s.Extensions[signatureAttribute])
	want := signal(v.Region, kind, s.Time, s.Extensions[keyAttribute], s.Extensions[signatureAttribute])
	if err != nil || !ed25519.Verify(key, []byte(want.ID), signature) {
		return loop.Refuse(loop.CodeReserved, "this is no canary of this region and way in: its signature is wrong")
	}
	if !reflect.DeepEqual(s, want) {
		return loop.Refuse(loop.CodeReserved, "this is no canary: it says something else than one does")
	}
	if age := v.Now().Sub(s.Time); age.Abs() > loop.CanaryKeep {
		return loop.Refuse(loop.CodeTimeOutOfRange, "this canary is %s old; nobody waits for it after %s", age.Round(time.Second), loop.CanaryKeep)
	}
	return nil
}

// key finds a key by its id. One is announced before the first canary that it signs is sent, so what is not there after a
// look does not exist.
func (v *Verifier) key(ctx context.Context, id string) (ed25519.PublicKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if key, ok := v.keys[id]; ok {
		return key, nil
	}
	unavailable := loop.Refuse(loop.CodeUnavailable, "the canaries' keys cannot be read at the moment; send it again")
	now := v.Now()
	if v.next.Sub(now) > lookAhead {
		return nil, unavailable
	}
	if v.next.Before(now) {
		v.next = now
	}
	v.next = v.next.Add(lookEvery)
	// The answer is everybody's: it must not depend on whether the one who asked first has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	docs, err := v.Keys.Query(ctx, v.Region, loop.CanaryKeyKey(v.Region))
	if err != nil {
		v.next = v.Now().Add(lookAhead + lookEvery)
		return nil, unavailable
	}
	v.next = v.next.Add(v.Now().Sub(now))
	v.keys = map[string]ed25519.PublicKey{}
	for id, doc := range docs {
		var a announced
		if json.Unmarshal(doc, &a) == nil && len(a.Public) == ed25519.PublicKeySize {
			v.keys[id] = a.Public
		}
	}
	if key, ok := v.keys[id]; ok {
		return key, nil
	}
	return nil, loop.Refuse(loop.CodeReserved, "this is no canary: nobody has announced its key")
}
