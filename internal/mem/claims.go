package mem

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Claims is the claims of a deployment: one linearizable store for all regions.
type Claims struct {
	mu    sync.Mutex
	docs  map[string]*keptClaim
	fault Fault
}

// keptClaim is a stored claim. Conditions look at its holder, which costs no decoding.
type keptClaim struct {
	kept[loop.Claim]
	holder Holder
}

// Holder is what a claim says of who holds it.
type Holder struct {
	Owner    string
	Token    int64
	Status   loop.Status
	Deadline time.Time
}

func keep(c loop.Claim, doc []byte) *keptClaim {
	return &keptClaim{kept: kept[loop.Claim]{doc: doc}, holder: Holder{c.Owner, c.Token, c.Status, c.Deadline}}
}

// NewClaims returns an empty store; fault may be nil.
func NewClaims(fault Fault) *Claims {
	return &Claims{docs: map[string]*keptClaim{}, fault: fault}
}

// ClaimsView is what act needs of claims, and what a person's command does to parked ones.
type ClaimsView interface {
	act.Claims
	// Unpark replaces a parked claim that still has token with next; otherwise loop.ErrFenced.
	Unpark(ctx context.Context, next loop.Claim, token int64) error
}

// In returns the claims as region sees them.
func (s *Claims) In(region string) ClaimsView { return claimsView{s, region} }

// All returns every claim, for the books of a simulation.
func (s *Claims) All() ([]loop.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]loop.Claim, 0, len(s.docs))
	for id, standing := range s.docs {
		c, err := readClaim(standing)
		if err != nil {
			return nil, fmt.Errorf("read claim %s: %w", id, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// readClaim is a stored claim for somebody who may change it.
func readClaim(k *keptClaim) (loop.Claim, error) {
	c, err := k.get()
	c.Audit, c.Effect.Emit = slices.Clone(c.Audit), slices.Clone(c.Effect.Emit)
	if r := c.Effect.Request; r != nil {
		own := *r
		own.Headers = maps.Clone(r.Headers)
		c.Effect.Request = &own
	}
	return c, err
}

// Holder says who holds a claim as it stands, for the books of a simulation: no fault is asked.
func (s *Claims) Holder(effectID string) (h Holder, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	standing, ok := s.docs[effectID]
	if ok {
		h = standing.holder
	}
	return h, ok
}

type claimsView struct {
	*Claims
	region string
}

var _ ClaimsView = claimsView{}

func (v claimsView) call(ctx context.Context, name, id string, do func() error) error {
	err := v.fault.call(ctx, Op{Service: "claims", From: v.region, Region: v.region, Name: name, Key: id}, func() error {
		v.mu.Lock()
		defer v.mu.Unlock()
		return do()
	})
	if err != nil {
		return fmt.Errorf("%s claim %s: %w", name, id, err)
	}
	return nil
}

func (v claimsView) Open(ctx context.Context, c loop.Claim) (stored loop.Claim, opened bool, err error) {
	c, doc, err := encodeClaim(c)
	if err != nil {
		return loop.Claim{}, false, err
	}
	err = v.call(ctx, "Open", c.EffectID, func() error {
		standing, ok := v.docs[c.EffectID]
		if !ok {
			standing = keep(c, doc)
			v.docs[c.EffectID] = standing
		}
		if opened = string(standing.doc) == string(doc); opened { // the same write again has happened already
			stored = c
			return nil
		}
		stored, err = readClaim(standing)
		return err
	})
	if err != nil {
		return loop.Claim{}, false, err
	}
	return stored, opened, nil
}

func (v claimsView) Swap(ctx context.Context, next loop.Claim, token int64) error {
	return v.replace(ctx, "Swap", next, token, loop.StatusClaimed)
}

// Unpark implements ClaimsView.
func (v claimsView) Unpark(ctx context.Context, next loop.Claim, token int64) error {
	return v.replace(ctx, "Unpark", next, token, loop.StatusParked)
}

func (v claimsView) replace(ctx context.Context, name string, next loop.Claim, token int64, from loop.Status) error {
	next, doc, err := encodeClaim(next)
	if err != nil {
		return err
	}
	return v.call(ctx, name, next.EffectID, func() error {
		standing, ok := v.docs[next.EffectID]
		if !ok {
			return loop.ErrFenced
		}
		if string(standing.doc) == string(doc) {
			return nil
		}
		if standing.holder.Token != token || standing.holder.Status != from {
			return loop.ErrFenced
		}
		v.docs[next.EffectID] = keep(next, doc)
		return nil
	})
}

func (v claimsView) Get(ctx context.Context, effectID string) (c loop.Claim, err error) {
	err = v.call(ctx, "Get", effectID, func() error {
		standing, ok := v.docs[effectID]
		if !ok {
			return loop.ErrNotFound
		}
		c, err = readClaim(standing)
		return err
	})
	return c, err
}

// encodeClaim makes times UTC, as DynamoDB's adapter does.
func encodeClaim(c loop.Claim) (stored loop.Claim, doc []byte, err error) {
	c.Deadline, c.NotBefore, c.AcceptedAt, c.UpdatedAt = c.Deadline.UTC(), c.NotBefore.UTC(), c.AcceptedAt.UTC(), c.UpdatedAt.UTC()
	c.RenewedAt, c.SettledAt = c.RenewedAt.UTC(), c.SettledAt.UTC()
	if doc, err = loop.Marshal(c); err != nil {
		return c, nil, fmt.Errorf("encode claim %s: %w", c.EffectID, err)
	}
	return c, doc, nil
}
