package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// renewLimit is how old an acceptance may be to be renewed: claims outlive the longest life of a message, so that
// until then whatever was done is known to be done.
const renewLimit = loop.SourceRetention + loop.DeadRetention

// auditKeep is how long it is known who renewed.
const auditKeep = 400 * 24 * time.Hour

// audited writes down who renewed what, before the first message is moved and after the last.
func (m *mover) audited(ctx context.Context, region string, r redriven) error {
	ctx, cancel := callContext(ctx)
	defer cancel()
	now := m.w.Now()
	entry := map[string]any{
		"at": now.UTC(), "by": m.who, "why": m.Why, "what": "redrive --renew " + m.Queue, "found": r.Found, "moved": r.Moved, "error": short(r.err),
	}
	if err := m.Docs.Put(ctx, region, "audit#"+region, loop.TimeKey(now), entry, auditKeep); err != nil {
		return fmt.Errorf("a renewal must be audited: %w", err)
	}
	return nil
}

// renewed is a message with a new acceptance. It is refused as a whole if one of its items must be.
func (m *mover) renewed(ctx context.Context, body []byte) ([]byte, error) {
	var env loop.Envelope
	if err := json.Unmarshal(body, &env); err != nil || env.V != loop.EnvelopeVersion || len(env.Items) == 0 {
		return nil, errors.New("a message is not an envelope of this version: redrive it without --renew")
	}
	now := m.w.Now()
	for i := range env.Items {
		it := &env.Items[i]
		if now.Sub(it.AcceptedAt) > renewLimit {
			return nil, fmt.Errorf("accepted more than %d days ago: whether it was done may not be known any more", renewLimit/(24*time.Hour))
		}
		if it.Unclaimed > 0 || it.Delivered { // its key's horizon counts from its acceptance, and there may be no claim to tell
			return nil, errors.New("an effect was sent while claims could not be reached: redrive it without --renew")
		}
		if it.Effect != nil {
			if err := m.extend(ctx, it.Effect.ID); err != nil {
				return nil, err
			}
		}
		it.AcceptedAt = now.UTC()
	}
	return loop.Encode(env.Items...)
}

// extend lets the expiry of a claim count from now, if the effect has a claim that is open and that nobody holds. A
// terminal one stays as it is: the message will find it.
func (m *mover) extend(ctx context.Context, effectID string) error {
	c, err := m.claim(ctx, m.cfg.Regions.Loop, effectID)
	switch {
	case errors.Is(err, loop.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("the claim of an effect cannot be read: %w", err)
	case c.Status.Terminal():
		return nil
	case m.w.Now().Before(c.Deadline):
		return errors.New("an effect is being worked on at this moment: run the command again")
	}
	var errs []error
	for _, region := range m.cfg.Regions.Loop {
		one, cancel := callContext(ctx)
		err := m.Claims(region).Swap(one, c.Renewed(m.w.Now(), m.who, m.Why), c.Token)
		cancel()
		if err == nil || errors.Is(err, loop.ErrFenced) { // somebody works on it: it is not forgotten
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("the claim of an effect cannot be extended: %w", errors.Join(errs...))
}
