package loop_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

func parkedClaim(accepted time.Time) loop.Claim {
	return loop.Claim{
		EffectID: "e", Status: loop.StatusParked, Owner: "us-east-2/1", Token: 3, Evidence: "400 Bad Request", AcceptedAt: accepted,
		Effect: loop.Effect{ID: "e", ExpireAfter: loop.Duration(15 * time.Minute), Horizon: loop.Duration(time.Hour)},
	}
}

func TestTheTimeParkedDoesNotCount(t *testing.T) {
	t.Parallel()
	accepted := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	monday := accepted.Add(72 * time.Hour)
	c := parkedClaim(accepted)
	open := c.Reopened(monday, "ann", "the target is back")
	if open.Status != loop.StatusClaimed || open.Token != 4 || !open.Deadline.Equal(monday) || !open.NotBefore.Equal(monday) {
		t.Errorf("not free to be taken over: %+v", open)
	}
	if !open.AcceptedAt.Equal(accepted) {
		t.Error("acceptedAt changed, and with it what silences and budgets are decided by")
	}
	if !open.ExpiresAt().Equal(monday.Add(15*time.Minute)) || !open.HorizonEnds().Equal(monday.Add(time.Hour)) {
		t.Errorf("expires %s, key forgotten %s", open.ExpiresAt(), open.HorizonEnds())
	}
	if !c.ExpiresAt().Equal(accepted.Add(15*time.Minute)) || len(c.Audit) != 0 {
		t.Error("the claim that was read changed")
	}
}

func TestWhatPeopleDidIsKeptWithinBounds(t *testing.T) {
	t.Parallel()
	c := parkedClaim(time.Unix(0, 0))
	for i := range 3 * loop.MaxAudit {
		c = c.Reopened(time.Unix(int64(i), 0), "ann", strings.Repeat("ü", 1000))
		c.Status = loop.StatusParked
	}
	c = c.Settled(loop.StatusSuppressed, time.Unix(1e6, 0), "bob", "too late")
	if len(c.Audit) != loop.MaxAudit {
		t.Fatalf("%d entries", len(c.Audit))
	}
	if last := c.Audit[loop.MaxAudit-1]; last.By != "bob" || last.What != "discarded: too late" {
		t.Errorf("the newest entry is %+v", last)
	}
	if first := c.Audit[0].What; len(first) > 310 || !utf8.ValidString(first) {
		t.Errorf("%d bytes, valid %v", len(first), utf8.ValidString(first))
	}
	if c.Status != loop.StatusSuppressed || !strings.Contains(c.Evidence, "bob") || !strings.Contains(c.Evidence, "400 Bad Request") {
		t.Errorf("%s: %s", c.Status, c.Evidence)
	}
}

func TestNoTwoClaimsShareAnAudit(t *testing.T) {
	t.Parallel()
	c := parkedClaim(time.Unix(0, 0)).Reopened(time.Unix(1, 0), "ann", "x")
	a, b := c.Reopened(time.Unix(2, 0), "ann", "a"), c.Reopened(time.Unix(2, 0), "ann", "b")
	if a.Audit[1].What == b.Audit[1].What {
		t.Error("one history overwrote the other")
	}
}
