// Package receipt is where canaries end: a target that writes down that one came through.
package receipt

import (
	"context"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Documents are the small JSON items of the `outputs` table.
type Documents interface {
	Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error
}

// Target writes receipts into its own region's table.
type Target struct {
	Region string
	Docs   Documents
	Now    func() time.Time
}

var _ act.Target = Target{}

// Deliver writes the receipt. Doing it again gives the same but for the time.
func (t Target) Deliver(ctx context.Context, e loop.Effect) act.Answer {
	sent, err := loop.ParsePosition(string(e.Fence))
	if err != nil {
		return act.Answer{Verdict: act.Refused, Evidence: "no canary: " + err.Error()}
	}
	doc := loop.Receipt{Input: e.Key, SentAt: sent.Time, LandedAt: t.Now().UTC()}
	if err := t.Docs.Put(ctx, t.Region, loop.ReceiptKey(t.Region), e.Key, doc, 0); err != nil {
		return act.Answer{Verdict: act.Retry, Evidence: "the receipt could not be written: " + err.Error()}
	}
	return act.Answer{Verdict: act.Delivered, Evidence: "receipt written"}
}
