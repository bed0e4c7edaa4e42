package sweep

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func done(ago time.Duration) loop.Claim {
	return loop.Claim{EffectID: "e", Status: loop.StatusDone, AcceptedAt: now.Add(-ago), UpdatedAt: now.Add(-ago), Effect: loop.Effect{Phase: loop.PhaseDo}}
}

func TestWhatIsDeleted(t *testing.T) {
	t.Parallel()
	long := loop.ClaimKeep + time.Minute
	for name, c := range map[string]struct {
		change func(*loop.Claim)
		want   bool
	}{
		"ended long ago":             {func(*loop.Claim) {}, true},
		"ended lately":               {func(c *loop.Claim) { c.UpdatedAt = now.Add(-loop.ClaimKeep + time.Minute) }, false},
		"still claimed":              {func(c *loop.Claim) { c.Status = loop.StatusClaimed }, false},
		"parked: waits for a person": {func(c *loop.Claim) { c.Status = loop.StatusParked }, false},
		"may still start":            {func(c *loop.Claim) { c.Effect.ExpireAfter = loop.Duration(2 * time.Hour) }, false},
		"key still remembered":       {func(c *loop.Claim) { c.Effect.Horizon = loop.Duration(2 * time.Hour) }, false},
		"reopened since":             {func(c *loop.Claim) { c.RenewedAt = now }, false},
		"expired long ago":           {func(c *loop.Claim) { c.Status = loop.StatusExpired }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claim := done(long)
			c.change(&claim)
			if got := claimDone(claim, now); got != c.want {
				t.Errorf("deleted: %v, want %v", got, c.want)
			}
		})
	}
}

// Without the claim of its do, an undo takes it for never applied and does nothing.
func TestTheDoOfAnOpenEpisodeIsKept(t *testing.T) {
	t.Parallel()
	quiet, lately := now.Add(-loop.ClaimKeep-time.Hour), now.Add(-time.Hour)
	for name, c := range map[string]struct {
		age     time.Duration
		episode Episode
		want    bool
	}{
		"its episode is open":                   {200 * 24 * time.Hour, Episode{N: 7, Rev: 1, Open: true, UpdatedAt: quiet}, false},
		"its episode has just closed":           {200 * 24 * time.Hour, Episode{N: 7, Rev: 2, UpdatedAt: lately}, false},
		"its episode closed long ago":           {200 * 24 * time.Hour, Episode{N: 7, Rev: 2, UpdatedAt: quiet}, true},
		"its episode has effects to send":       {200 * 24 * time.Hour, Episode{N: 7, Rev: 2, UpdatedAt: quiet, Pending: 1}, false},
		"its episode is gone":                   {30 * 24 * time.Hour, Episode{}, true},
		"a newer one is open, its undo may run": {30 * 24 * time.Hour, Episode{N: 8, Rev: 3, Open: true, UpdatedAt: lately}, false},
		"a newer one is open, and it is old":    {200 * 24 * time.Hour, Episode{N: 8, Rev: 3, Open: true, UpdatedAt: lately}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claim := done(c.age)
			claim.Effect.Fence = loop.EpisodeFence(7, loop.PhaseDo)
			if !hasUndo(claim) {
				t.Fatal("not asked for its episode")
			}
			if got := undoDone(claim, c.episode, now); got != c.want {
				t.Errorf("deleted: %v, want %v", got, c.want)
			}
		})
	}
	stateless := done(time.Hour)
	stateless.Effect.Fence = loop.SignalFence(loop.Position{Time: now, SignalKey: "s"})
	if hasUndo(stateless) {
		t.Error("a stateless effect has no undo")
	}
}

func TestWhatIsOverdue(t *testing.T) {
	t.Parallel()
	held := loop.Claim{EffectID: "e", Status: loop.StatusClaimed, Deadline: now.Add(-overdueAfter - time.Second)}
	if _, yes := overdueClaim(held, now); !yes {
		t.Error("a claim past its deadline is not found")
	}
	held.NotBefore = now.Add(time.Hour)
	if _, yes := overdueClaim(held, now); yes {
		t.Error("a claim is overdue before its next attempt is due")
	}
	held.NotBefore, held.Status = time.Time{}, loop.StatusParked
	if _, yes := overdueClaim(held, now); yes {
		t.Error("a parked claim is overdue")
	}
	unsent := Episode{RuleID: "r", Rev: 1, Pending: 1, Oldest: now.Add(-overdueAfter - time.Second)}
	if o, yes := overdueEpisode(unsent, now); !yes || o.Kind != KindEpisode {
		t.Error("effects that nobody sent are not found")
	}
	unsent.Oldest = now
	if _, yes := overdueEpisode(unsent, now); yes {
		t.Error("effects that are just being sent are overdue")
	}
}

func TestWhichEpisodesAreDeleted(t *testing.T) {
	t.Parallel()
	quiet := now.Add(-loop.ClaimKeep - time.Hour)
	for name, c := range map[string]struct {
		e    Episode
		want bool
	}{
		"closed and quiet":            {Episode{Rev: 2, UpdatedAt: quiet}, true},
		"open":                        {Episode{Rev: 2, UpdatedAt: quiet, Open: true}, false},
		"effects to send":             {Episode{Rev: 2, UpdatedAt: quiet, Pending: 1}, false},
		"closed lately":               {Episode{Rev: 2, UpdatedAt: now}, false},
		"of an age that nobody knows": {Episode{Rev: 2}, false},
	} {
		if got := episodeDone(c.e, now); got != c.want {
			t.Errorf("%s: deleted %v, want %v", name, got, c.want)
		}
	}
}

func TestWhichLimitsAreDeleted(t *testing.T) {
	t.Parallel()
	for last, want := range map[time.Time]bool{
		now.Add(-loop.ClaimKeep - time.Hour): true, now.Add(-loop.ClaimKeep + time.Hour): false, {}: false,
	} {
		if got := limitDone(Limit{Last: last}, now); got != want {
			t.Errorf("last used %s: deleted %v", last, got)
		}
	}
}
