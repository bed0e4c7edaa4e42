package act

import (
	"context"
	"errors"
	"time"

	"example.com/unbroken/internal/loop"
)

// An effect of an action that says `on_claims_outage: send` is sent though `claims` cannot be reached. Its class makes
// that safe: a keyed target drops what the other region sends, too, and a fenced one refuses what is older. What
// people told the loop to leave undone is then what this process has read last: nobody can change it meanwhile but
// where `claims` is still reached.
//
// The claim is written afterwards. Until then the message goes round and carries what a claim would: how often it was
// tried, and whether the target took it (loop.Item).

// outagePatience is how long such an effect waits for an answer of `claims`. Without a bound, a connection that hangs
// would use the whole of the invocation up.
const outagePatience = 3 * time.Second

// patience bounds calls to claims for an effect that can do without.
func patience(ctx context.Context, e loop.Effect) (context.Context, context.CancelFunc) {
	if !e.SendUnclaimed {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, outagePatience)
}

// outage says whether an error of claim and read means that the effect goes on without a claim. Where the read found
// nothing, `claims` has answered. What has been delivered waits.
func outage(it loop.Item, err error) bool {
	return it.Effect.SendUnclaimed && !it.Delivered && !errors.Is(err, loop.ErrNotFound)
}

// unclaim ends an attempt without a claim: nothing can be final, so the message comes again with what is known.
func (l *Landing) unclaim() {
	switch {
	case l.Delivered:
		l.Item.Delivered = true
	case l.sent:
		l.Item.Unclaimed++
	}
	l.Status, l.Reason, l.GivenUp = "", "", false
	l.Item.Attempt++
	l.Again = max(l.Again, l.unclaimed.Next(l.Item.Attempt))
	l.Evidence = "claims could not be reached; " + l.Evidence
}
