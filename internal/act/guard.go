package act

import (
	"context"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// guardStage decides whether a claimed effect may still start. What it stops is committed with its reason.
type guardStage struct {
	claims Claims
	now    func() time.Time
}

// straggle is how long a request may still be on its way after its sender gave up waiting: no attempt starts that
// could land after the target forgot the key.
const straggle = time.Minute

func (s guardStage) Exec(ctx context.Context, l *Landing) (bool, error) {
	if l.Status != "" {
		return true, nil
	}
	now := s.now()
	e := l.Claim.Effect
	if e.Undoes != "" {
		// First of all: an undo's time does not run out while its do may still land, or the do would stay for good.
		if s.afterDo(ctx, l, now); l.Status != "" || l.Again > 0 {
			return true, nil
		}
	}
	switch {
	case e.Class == loop.ClassOnce && l.Takeover:
		l.Status = loop.StatusParked
		l.Evidence = "may have been applied, so it is not sent again: " + l.Former + " held it and was not heard of again"
	case e.Class == loop.ClassKeyed && (l.Takeover || l.Claim.Attempt > 0) && now.Add(e.Timeout.Std()+straggle).After(l.Claim.HorizonEnds()):
		// The target may have forgotten the key, and an earlier attempt may have been applied.
		l.Status = loop.StatusParked
		l.Evidence = "an earlier attempt may have been applied and the idempotency horizon has passed, or would before another one ends"
	case now.After(l.Claim.ExpiresAt()) && l.Takeover:
		l.Status = loop.StatusParked
		l.Evidence = "expired after an attempt whose answer is not known"
	case now.After(l.Claim.ExpiresAt()) && l.Claim.Attempt > 0:
		l.Status, l.GivenUp = loop.StatusParked, true
		l.Evidence = fmt.Sprintf("given up after %d attempts within expire_after (%s); %s", l.Claim.Attempt, e.ExpireAfter, lastAnswer(l.Claim))
	case now.After(l.Claim.ExpiresAt()) && e.Undoes != "":
		l.Status = loop.StatusParked
		l.Evidence = fmt.Sprintf("its do stands, and it was not started within expire_after (%s) of its acceptance", e.ExpireAfter)
	case now.After(l.Claim.ExpiresAt()):
		l.Status = loop.StatusExpired
		l.Evidence = fmt.Sprintf("not started within expire_after (%s) of its acceptance; %s", e.ExpireAfter, lastAnswer(l.Claim))
	}
	return true, nil
}

func lastAnswer(c loop.Claim) string {
	if c.Evidence == "" {
		return "no attempt was answered"
	}
	return "last answer: " + c.Evidence
}

// afterDo keeps an undo behind its do: it runs if the do is done, parks if the do is parked, and is otherwise
// superseded. A do that nobody claimed yet is fenced out here, so that it cannot come after its undo.
func (s guardStage) afterDo(ctx context.Context, l *Landing, now time.Time) {
	undo := l.Claim
	fence := loop.Claim{
		EffectID: undo.Effect.Undoes, Status: loop.StatusSuperseded, Owner: l.Owner, Token: 1,
		Effect:     loop.Effect{ID: undo.Effect.Undoes, RuleID: undo.Effect.RuleID, Key: undo.Effect.Key, Phase: loop.PhaseDo, Step: undo.Effect.Step},
		AcceptedAt: undo.AcceptedAt, UpdatedAt: now.UTC(), Evidence: "its undo came first",
	}
	do, opened, err := s.claims.Open(ctx, fence)
	if err != nil {
		if do, err = s.claims.Get(ctx, fence.EffectID); err != nil {
			l.giveBack(fmt.Errorf("read the do of undo %s: %w", undo.EffectID, err))
			return
		}
	}
	switch {
	case do.Delivered: // and be it that its output is not written yet
	case opened, do.Status == loop.StatusSuperseded, do.Status == loop.StatusExpired, do.Status == loop.StatusSuppressed:
		l.Status, l.Evidence = loop.StatusSuperseded, "its do was never applied"
	case do.Status == loop.StatusParked:
		l.Status, l.Evidence = loop.StatusParked, "its do is parked"
	case do.Status == loop.StatusClaimed:
		s.wait(l, do, now)
	}
}

// undoPoll is the longest that an undo waits before it looks at its do again.
const undoPoll = 2 * time.Second

// wait gives the undo's claim back until the do is through.
func (s guardStage) wait(l *Landing, do loop.Claim, now time.Time) {
	// Most holders are through long before their deadline: look again soon, for an undo is somebody's recovery. A do
	// that waits for its next attempt does nothing until then.
	again := min(max(do.Deadline.Sub(now), 0)+waitMargin, undoPoll)
	if wait := do.NotBefore.Sub(now); wait > 0 {
		again = wait + waitMargin
	}
	l.hold(again, "") // nothing failed
}
