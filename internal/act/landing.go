// Package act lands effects. One effect passes these stages, each in a file of its own:
//
//	claim → guard → execute → output → commit → emit
//
// The guard is several, guard*.go: each may end the effect or give it back, with the reason.
//
// The claim is the only thing that regions agree on: whoever holds it may send, and whoever commits must still
// hold it. Everything else follows from two rules. Before something is sent, the claim stands in `claims`; before
// the message is acknowledged, the claim is terminal or the message has been sent again.
//
// The package knows no AWS: claims, targets, outputs and queues are interfaces declared here.
package act

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
)

// Claims is the one table on which regions agree.
type Claims interface {
	// Open stores c if there is no claim for its effect. Where there is one it is returned with opened=false.
	Open(ctx context.Context, c loop.Claim) (stored loop.Claim, opened bool, err error)
	// Swap replaces the claim with next if the stored one is not terminal and still has token; otherwise
	// loop.ErrFenced. After any other error it may or may not have happened.
	Swap(ctx context.Context, next loop.Claim, token int64) error
	// Get reads the claim with strong consistency; loop.ErrNotFound where there is none.
	Get(ctx context.Context, effectID string) (loop.Claim, error)
}

// Outputs keeps the last known good outputs of this region.
type Outputs interface {
	// Write stores o unless this region holds a newer version (loop.Output.CompareVersion): then loop.ErrFenced.
	// Writing a version again changes nothing: the first write stands, with its time. What o replaces is kept as
	// an earlier version. It is one write call, whatever it finds.
	Write(ctx context.Context, o loop.Output) error
	// Read returns the newest version of key that has reached this region; loop.ErrNotFound where there is none.
	Read(ctx context.Context, key string) (loop.Output, error)
}

// Queue sends to this region's queues.
type Queue interface {
	// Send returns one error slot per message; nil means durably stored.
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
}

// Target delivers an effect to the outside. It must not retry by itself and must honour ctx.
type Target interface {
	Deliver(ctx context.Context, e loop.Effect) Answer
}

// Answer is what a target made of one delivery.
type Answer struct {
	Verdict    Verdict
	RetryAfter time.Duration // the target's own wish; 0 where it had none
	Evidence   string        // one line for a person, without secrets
}

// Verdict says what follows from an answer.
type Verdict int

// Verdicts.
const (
	Retry     Verdict = iota // not known to be applied: send the same bytes again
	Delivered                // applied
	Refused                  // the target will never take it: a person must look
	Outdated                 // the target holds a newer one
	Unsent                   // known not to be applied: send the same bytes again, whatever the class
)

// Recorder hears what happened, for logs and metrics.
type Recorder interface {
	Landed(ctx context.Context, l *Landing)
	Retried(ctx context.Context, l *Landing, after time.Duration)
}

// Landing is one effect on its way through the stages.
type Landing struct {
	Item      loop.Item
	Owner     string // unique to this delivery of the message
	Claim     loop.Claim
	Repeat    bool          // the claim was terminal before this delivery
	Takeover  bool          // the former holder's claim ran out: whether it sent is not known
	Former    string        // the owner it was taken over from
	Status    loop.Status   // what the effect ends in; "" while that is open
	Evidence  string        // why
	GivenUp   bool          // the target would not take it, so that its fallback is due
	Reason    Reason        // what suppressed it, where something did
	Stopped   bool          // its rule stopped itself with this
	Again     time.Duration // > 0: not now; send the message again after this long
	Unclaimed bool          // claims could not be reached: it goes on without one
	Delivered bool          // the target took it, now or at an earlier attempt
	Held      bool          // and nothing was sent this time: it is no attempt

	unclaimed Backoff // between deliveries that could not be an attempt

	controls loop.Controls // as they were before it was claimed
	throttle loop.Throttle // as it was when it was looked at
	passed   bool          // it names this decision
	sent     bool          // this delivery called the target
	counted  bool          // this delivery spent of its rule's budget, or wrote into the record
}

// Stage moves a landing one step on. It returns false when nothing is left to do for later stages.
type Stage interface {
	Exec(ctx context.Context, l *Landing) (more bool, err error)
}

// Pipeline is a series of stages: the whole way of an effect reads in New.
type Pipeline []Stage

// Exec runs the stages until one ends the way.
func (p Pipeline) Exec(ctx context.Context, l *Landing) error {
	for _, s := range p {
		more, err := s.Exec(ctx, l)
		if err != nil || !more {
			return err
		}
	}
	return nil
}
