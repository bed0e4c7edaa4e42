package sweep

import (
	"time"

	"example.com/unbroken/internal/loop"
)

// Overdue is counted from when the next step was due. Messages wait at most 900 s in one leg and are hidden for at
// most a few minutes after a crash; what is not touched for longer has no message any more.
const overdueAfter = 30 * time.Minute

// supersededKeep is how many times longer the done do of an episode is kept that is not its key's newest one. Its
// undo may be retrying still, if the episode was open for long; without the claim it would take the do for never
// applied.
const supersededKeep = 4

// overdueClaim says whether c should have moved on, and since when.
func overdueClaim(c loop.Claim, now time.Time) (Overdue, bool) {
	due := c.Deadline
	if c.NotBefore.After(due) {
		due = c.NotBefore
	}
	if c.Status.Terminal() || !now.After(due.Add(overdueAfter)) {
		return Overdue{}, false
	}
	return Overdue{
		Kind: KindEffect, ID: c.EffectID, Rule: c.Effect.RuleID, Action: c.Effect.Action,
		Due: due, AcceptedAt: c.AcceptedAt, Evidence: c.Evidence,
	}, true
}

// overdueEpisode says whether e has effects that nobody sent.
func overdueEpisode(e Episode, now time.Time) (Overdue, bool) {
	if e.Pending == 0 || !now.After(e.Oldest.Add(overdueAfter)) {
		return Overdue{}, false
	}
	return Overdue{
		Kind: KindEpisode, ID: loop.KeyHash(e.Key), Rule: e.RuleID, Due: e.Oldest, AcceptedAt: e.Oldest,
		Evidence: "effects of the episode were never sent; they are sent with the next signal of its key",
	}, true
}

// claimDone says whether nobody can need c any more, its episode aside. A parked claim waits for a person, for ever
// if need be: deleting it would lose the effect in silence.
func claimDone(c loop.Claim, now time.Time) bool {
	if !c.Status.Terminal() || c.Status == loop.StatusParked {
		return false
	}
	return now.After(lastNeeded(c).Add(loop.ClaimKeep))
}

// lastNeeded is the end of the effect's own life.
func lastNeeded(c loop.Claim) time.Time {
	last := c.UpdatedAt
	for _, t := range []time.Time{c.ExpiresAt(), c.HorizonEnds()} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// hasUndo says whether an undo may still ask what became of c: its absence would mean that it was never applied.
func hasUndo(c loop.Claim) bool {
	return c.Status == loop.StatusDone && c.Effect.Phase == loop.PhaseDo &&
		len(c.Effect.Fence) == len(loop.EpisodeFence(0, loop.PhaseDo))
}

// undoDone says whether the undo of c, if it has one, is through, by the state e of its (rule, key).
func undoDone(c loop.Claim, e Episode, now time.Time) bool {
	switch {
	case e.Rev == 0: // closed, quiet and deleted
		return true
	case c.Effect.Fence < loop.EpisodeFence(e.N, loop.PhaseDo):
		return now.After(lastNeeded(c).Add(supersededKeep * loop.ClaimKeep))
	}
	return episodeDone(e, now)
}

// episodeDone says whether e is closed, has nothing to send and has been quiet. The next episode's number comes from
// its signal's time, so that forgetting the last one never lowers a fence.
func episodeDone(e Episode, now time.Time) bool {
	return !e.Open && e.Pending == 0 && !e.UpdatedAt.IsZero() && now.After(e.UpdatedAt.Add(loop.ClaimKeep))
}

// limitDone says whether no message can come any more that l bounds.
func limitDone(l Limit, now time.Time) bool {
	return !l.Last.IsZero() && now.After(l.Last.Add(loop.ClaimKeep))
}
