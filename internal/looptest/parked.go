package looptest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// ParkedClaims are claims that a person can hand back to act, or end.
type ParkedClaims interface {
	act.Claims
	// Unpark replaces a parked claim that still has token with next; otherwise loop.ErrFenced.
	Unpark(ctx context.Context, next loop.Claim, token int64) error
}

// Parked is the suite for ParkedClaims.
func Parked(t *testing.T, open func(t *testing.T) Bench[ParkedClaims]) {
	t.Helper()
	run(t, open, []hazard[ParkedClaims]{
		{"PersonRetriesWhatIsNotParked", onlyParkedIsReopened},
		{"TwoPeopleActOnOneClaim", oneOfManyUnparks},
		{"PersonActsOnWhatWasParkedAnew", staleUnpark},
		{"ReopenedClaimCannotBeTakenOver", reopenedIsTakenOver},
		{"LostAnswerOfUnparkIsTakenForRival", lostUnpark},
		{"AuditChangesInTheTable", exactAudit},
		{"ApprovalIsForgotten", approvalStays},
	})
}

func parked(t *testing.T, s ParkedClaims, id string) loop.Claim {
	t.Helper()
	c := claim(id, "owner", 1)
	mustOpen(t, s, c)
	c.Status, c.Evidence = loop.StatusParked, "400 Bad Request"
	must(t, s.Swap(deadline(t), c, 1))
	return c
}

func onlyParkedIsReopened(t *testing.T, b Bench[ParkedClaims]) {
	for _, s := range []loop.Status{loop.StatusClaimed, loop.StatusDone, loop.StatusSuppressed, loop.StatusSuperseded, loop.StatusExpired} {
		c := claim("e-"+string(s), "owner", 1)
		mustOpen(t, b.Here, c)
		if c.Status = s; s.Terminal() {
			must(t, b.Here.Swap(deadline(t), c, 1))
		}
		want(t, b.There.Unpark(deadline(t), c.Reopened(at(99), "ann", "x"), 1), loop.ErrFenced)
		same(t, mustGet(t, b.There, c.EffectID), c)
	}
	want(t, b.Here.Unpark(deadline(t), claim("never", "o", 2), 1), loop.ErrFenced)
	_, err := b.Here.Get(deadline(t), "never")
	want(t, err, loop.ErrNotFound)
}

func oneOfManyUnparks(t *testing.T, b Bench[ParkedClaims]) {
	const racers = 8
	c := parked(t, b.Here, "e")
	var won atomic.Int32
	ctx := deadline(t)
	race(racers, func(i int) {
		view := b.Here
		if i%2 == 1 {
			view = b.There
		}
		switch err := view.Unpark(ctx, c.Reopened(at(99), fmt.Sprint("person ", i), "x"), c.Token); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, loop.ErrFenced):
			t.Errorf("unpark: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d of %d reopened the claim, want 1", won.Load(), racers)
	}
}

func staleUnpark(t *testing.T, b Bench[ParkedClaims]) {
	first := parked(t, b.Here, "e")
	open := first.Reopened(at(99), "ann", "x")
	must(t, b.Here.Unpark(deadline(t), open, first.Token))
	again := open
	again.Status = loop.StatusParked
	must(t, b.There.Swap(deadline(t), again, open.Token))
	want(t, b.Here.Unpark(deadline(t), first.Settled(loop.StatusSuppressed, at(100), "bob", "x"), first.Token), loop.ErrFenced)
	same(t, mustGet(t, b.Here, "e"), again)
}

func reopenedIsTakenOver(t *testing.T, b Bench[ParkedClaims]) {
	c := parked(t, b.Here, "e")
	open := c.Reopened(at(99), "ann", "x")
	must(t, b.Here.Unpark(deadline(t), open, c.Token))
	late := c // the former holder wakes
	late.Status = loop.StatusDone
	want(t, b.Here.Swap(deadline(t), late, c.Token), loop.ErrFenced)
	next := open
	next.Token, next.Owner = open.Token+1, "new"
	must(t, b.There.Swap(deadline(t), next, open.Token))
	same(t, mustGet(t, b.Here, "e"), next)
}

func lostUnpark(t *testing.T, b Bench[ParkedClaims]) {
	c := parked(t, b.Here, "e")
	open := c.Reopened(at(99), "ann", "x")
	b.LoseAnswer()
	want(t, b.Here.Unpark(deadline(t), open, c.Token), ErrLost)
	must(t, b.Here.Unpark(deadline(t), open, c.Token))
	same(t, mustGet(t, b.There, "e"), open)
}

func exactAudit(t *testing.T, b Bench[ParkedClaims]) {
	c := parked(t, b.Here, "e")
	open := c.Reopened(at(99), "arn:aws:sts::1:assumed-role/ü/<ann>", "\"quoted\" & ☂")
	must(t, b.Here.Unpark(deadline(t), open, c.Token))
	if got := mustGet(t, b.There, "e"); !reflect.DeepEqual(got, open) {
		t.Fatalf("got\n%+v\nwant\n%+v", got, open)
	}
}

func approvalStays(t *testing.T, b Bench[ParkedClaims]) {
	c := parked(t, b.Here, "e")
	ok := c.Approved(at(99), "ann", "go")
	must(t, b.Here.Unpark(deadline(t), ok, c.Token))
	next := mustGet(t, b.There, "e")
	same(t, next, ok)
	next.Status = loop.StatusParked // it fails, and a person retries it: nobody is asked again
	must(t, b.There.Swap(deadline(t), next, ok.Token))
	if got := mustGet(t, b.Here, "e"); got.ApprovedBy != "ann" {
		t.Fatalf("approved by %q", got.ApprovedBy)
	}
}
