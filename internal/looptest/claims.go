package looptest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Claims is the suite for act.Claims.
func Claims(t *testing.T, open func(t *testing.T) Bench[act.Claims]) {
	t.Helper()
	run(t, open, []hazard[act.Claims]{
		{"TwoHoldersOfOneEffect", oneOfManyOpens},
		{"TwoTakeoversOfOneClaim", oneOfManySwaps},
		{"LoserOfOpenDoesNotLearnWhoWon", openReturnsWhatStands},
		{"StaleTokenOverwritesNewHolder", staleTokenIsFenced},
		{"TerminalClaimIsOverwritten", terminalIsFinal},
		{"CommitOfClaimThatWasNeverOpened", swapOfNothing},
		{"UnknownEffectLooksClaimed", getOfNothing},
		{"LostAnswerOfOpenIsGuessed", lostOpen},
		{"LostAnswerOfSwapIsGuessed", lostSwap},
		{"OwnWriteRepeatedIsTakenForRival", repeatedWrites},
		{"RequestChangesOnItsWayThroughTheTable", exactRoundTrip},
		{"LargeRequestDoesNotFit", largeRequest},
		{"CallerSharesMemoryWithTheStore", noSharedMemory},
		{"CallAfterTheDeadlineIsApplied", canceledOpen},
		{"HistoryHasNoOrder", linearClaims},
	})
}

func claim(id, owner string, token int64) loop.Claim {
	return loop.Claim{
		EffectID: id, Status: loop.StatusClaimed, Owner: owner, Token: token,
		Deadline: at(10), AcceptedAt: at(0), UpdatedAt: at(1), Effect: effect(id),
	}
}

func effect(id string) loop.Effect {
	return loop.Effect{
		ID: id, DecisionID: "decision", RuleID: "rule", Key: "a key/ü#1", Phase: loop.PhaseDo, Step: "page", Action: "page",
		SignalKey: "signal", Target: loop.TargetWebhook, Class: loop.ClassKeyed, Fence: loop.EpisodeFence(1774749540123, loop.PhaseDo),
		Request: &loop.Request{ //nolint:gosec // the secret is a reference
			Method: "POST", URL: "https://example.com/hook?a=1&b=2", Headers: map[string]string{"content-type": "application/json"},
			Body: `{"text":"<b>\"quoted\" & ☂ \u0000</b>"}`, Secret: "ssm:/unbroken/page",
		},
		Output: &loop.OutputSpec{Key: "shed/x", Value: json.RawMessage(`{"level":"high","html":"<&>"}`)},
		Emit:   []loop.Status{loop.StatusDone, loop.StatusParked},
		Undoes: "other", Timeout: loop.Duration(5 * time.Second), ExpireAfter: loop.Duration(15 * time.Minute), Horizon: loop.Duration(24 * time.Hour),
	}
}

func mustOpen(t *testing.T, s act.Claims, c loop.Claim) {
	t.Helper()
	if _, opened, err := s.Open(deadline(t), c); err != nil || !opened {
		t.Fatalf("open a new claim: opened %v, error %v", opened, err)
	}
}

func mustGet(t *testing.T, s act.Claims, id string) loop.Claim {
	t.Helper()
	c, err := s.Get(deadline(t), id)
	must(t, err)
	return c
}

// same compares what is stored as JSON would show it: times by their instant, values by their bytes.
func same(t *testing.T, got, want any) {
	t.Helper()
	g, err := json.Marshal(got)
	must(t, err)
	w, err := json.Marshal(want)
	must(t, err)
	if string(g) != string(w) {
		t.Fatalf("got\n%.2000s\nwant\n%.2000s", g, w)
	}
}

func oneOfManyOpens(t *testing.T, b Bench[act.Claims]) {
	const racers = 16
	ctx := deadline(t)
	var opened atomic.Int32
	owners := make([]string, racers)
	race(racers, func(i int) {
		view := b.Here
		if i%2 == 1 {
			view = b.There
		}
		stored, ok, err := view.Open(ctx, claim("e", fmt.Sprintf("owner-%d", i), 1))
		if err != nil {
			t.Errorf("open: %v", err)
		}
		if ok {
			opened.Add(1)
		}
		owners[i] = stored.Owner
	})
	if n := opened.Load(); n != 1 {
		t.Fatalf("%d of %d opened the claim, want 1", n, racers)
	}
	winner := mustGet(t, b.There, "e").Owner
	for i, o := range owners {
		if o != winner {
			t.Errorf("racer %d was told that %q holds the claim; it is %q", i, o, winner)
		}
	}
}

func oneOfManySwaps(t *testing.T, b Bench[act.Claims]) {
	const racers = 16
	ctx := deadline(t)
	mustOpen(t, b.Here, claim("e", "first", 1))
	var won atomic.Int32
	var winner atomic.Value
	race(racers, func(i int) {
		view := b.Here
		if i%2 == 1 {
			view = b.There
		}
		next := claim("e", fmt.Sprintf("owner-%d", i), 2)
		err := view.Swap(ctx, next, 1)
		if err == nil {
			won.Add(1)
			winner.Store(next.Owner)
		} else if !isFenced(err) {
			t.Errorf("swap: %v", err)
		}
	})
	if n := won.Load(); n != 1 {
		t.Fatalf("%d of %d took the claim over, want 1", n, racers)
	}
	if got := mustGet(t, b.There, "e"); got.Owner != winner.Load() || got.Token != 2 {
		t.Fatalf("%s with token %d holds the claim, want %v with 2", got.Owner, got.Token, winner.Load())
	}
}

func openReturnsWhatStands(t *testing.T, b Bench[act.Claims]) {
	first := claim("e", "first", 1)
	mustOpen(t, b.Here, first)
	stored, opened, err := b.There.Open(deadline(t), claim("e", "second", 1))
	must(t, err)
	if opened {
		t.Fatal("opened a second time")
	}
	same(t, stored, first)
	done := first
	done.Status, done.Evidence = loop.StatusDone, "200 OK"
	must(t, b.Here.Swap(deadline(t), done, 1))
	stored, opened, err = b.There.Open(deadline(t), claim("e", "third", 1))
	must(t, err)
	if opened {
		t.Fatal("opened although done")
	}
	same(t, stored, done)
}

func staleTokenIsFenced(t *testing.T, b Bench[act.Claims]) {
	old, next := claim("e", "old", 1), claim("e", "new", 2)
	mustOpen(t, b.Here, old)
	must(t, b.There.Swap(deadline(t), next, 1))
	old.Status = loop.StatusDone
	want(t, b.Here.Swap(deadline(t), old, 1), loop.ErrFenced)
	same(t, mustGet(t, b.Here, "e"), next)
}

func terminalIsFinal(t *testing.T, b Bench[act.Claims]) {
	for _, s := range []loop.Status{loop.StatusDone, loop.StatusParked, loop.StatusSuppressed, loop.StatusSuperseded, loop.StatusExpired} {
		c := claim("e-"+string(s), "owner", 1)
		mustOpen(t, b.Here, c)
		c.Status = s
		must(t, b.Here.Swap(deadline(t), c, 1))
		next := claim(c.EffectID, "other", 2)
		want(t, b.There.Swap(deadline(t), next, 1), loop.ErrFenced)
		same(t, mustGet(t, b.There, c.EffectID), c)
	}
}

func swapOfNothing(t *testing.T, b Bench[act.Claims]) {
	want(t, b.Here.Swap(deadline(t), claim("e", "owner", 2), 1), loop.ErrFenced)
	_, err := b.Here.Get(deadline(t), "e")
	want(t, err, loop.ErrNotFound)
}

func getOfNothing(t *testing.T, b Bench[act.Claims]) {
	mustOpen(t, b.Here, claim("e", "owner", 1))
	_, err := b.Here.Get(deadline(t), "e2")
	want(t, err, loop.ErrNotFound)
}

func lostOpen(t *testing.T, b Bench[act.Claims]) {
	c := claim("e", "owner", 1)
	b.LoseAnswer()
	_, _, err := b.Here.Open(deadline(t), c)
	want(t, err, ErrLost)
	same(t, mustGet(t, b.There, "e"), c)
}

func lostSwap(t *testing.T, b Bench[act.Claims]) {
	c := claim("e", "owner", 1)
	mustOpen(t, b.Here, c)
	c.Status = loop.StatusDone
	b.LoseAnswer()
	want(t, b.Here.Swap(deadline(t), c, 1), ErrLost)
	same(t, mustGet(t, b.There, "e"), c)
}

func repeatedWrites(t *testing.T, b Bench[act.Claims]) {
	c := claim("e", "owner", 1)
	mustOpen(t, b.Here, c)
	mustOpen(t, b.Here, c)
	c.Status = loop.StatusDone
	must(t, b.Here.Swap(deadline(t), c, 1))
	must(t, b.Here.Swap(deadline(t), c, 1))
	c.Evidence = "not the same write"
	want(t, b.Here.Swap(deadline(t), c, 1), loop.ErrFenced)
}

func exactRoundTrip(t *testing.T, b Bench[act.Claims]) {
	zone := time.FixedZone("elsewhere", 5*3600+1800)
	full := claim("e", "us-east-2/1234", 9007199254740993) // beyond what a float64 holds
	full.Attempt, full.Evidence = 3, "503: try later\n☂"
	full.GivenUp, full.LetThrough, full.SettledAt = true, true, at(25)
	full.NotBefore, full.Deadline = at(20).In(zone), at(30).Add(time.Nanosecond).In(zone)
	sparse := loop.Claim{ // as an undo that comes first fences its do out
		EffectID: "f", Status: loop.StatusSuperseded, Owner: "o", Token: 1, AcceptedAt: at(0), UpdatedAt: at(1),
		Effect: loop.Effect{ID: "f", RuleID: "rule", Key: "k", Phase: loop.PhaseDo, Step: "s"},
	}
	for _, c := range []loop.Claim{full, sparse} {
		mustOpen(t, b.Here, c)
		got := mustGet(t, b.There, c.EffectID)
		wanted := c
		wanted.Deadline, wanted.NotBefore = c.Deadline.UTC(), c.NotBefore.UTC()
		if !reflect.DeepEqual(got, wanted) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, wanted)
		}
	}
}

func largeRequest(t *testing.T, b Bench[act.Claims]) {
	c := claim("e", "owner", 1)
	c.Effect.Request.Body = strings.Repeat(`"<\`, loop.MaxRequestBytes/3)
	mustOpen(t, b.Here, c)
	same(t, mustGet(t, b.There, "e"), c)
}

func noSharedMemory(t *testing.T, b Bench[act.Claims]) {
	c := claim("e", "owner", 1)
	mustOpen(t, b.Here, c)
	c.Effect.Request.Headers["content-type"] = "changed"
	got := mustGet(t, b.Here, "e")
	got.Effect.Request.Headers["content-type"], got.Effect.Emit[0] = "changed", "changed"
	same(t, mustGet(t, b.Here, "e"), claim("e", "owner", 1))
}

func canceledOpen(t *testing.T, b Bench[act.Claims]) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, opened, err := b.Here.Open(ctx, claim("e", "owner", 1))
	want(t, err, context.Canceled)
	if opened {
		t.Fatal("opened after the deadline")
	}
	_, err = b.Here.Get(deadline(t), "e")
	want(t, err, loop.ErrNotFound)
}
