package mem_test

import (
	"errors"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

func TestPeerSeesWritesOnlyAfterReplication(t *testing.T) {
	t.Parallel()
	table := newReplicas(nil, newClock().Now, false)
	here, there := mem.NewOutputs(table, east), mem.NewOutputs(table, west)
	o := loop.Output{Key: "k", Fence: "1", Value: []byte("1"), Origin: east}
	if err := here.Write(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	seen := func(want bool) {
		t.Helper()
		if _, err := there.Read(t.Context(), "k"); errors.Is(err, loop.ErrNotFound) == want {
			t.Fatalf("peer sees it: %v; want %v", err, want)
		}
	}
	seen(false)
	table.Link(func(from, to string) bool { return from != east })
	table.Replicate()
	seen(false)
	table.Link(nil)
	table.Replicate()
	seen(true)
}

func TestImmediateReplication(t *testing.T) {
	t.Parallel()
	table := newReplicas(nil, newClock().Now, true)
	if err := mem.NewOutputs(table, east).Write(t.Context(), loop.Output{Key: "k", Fence: "1", Value: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := mem.NewOutputs(table, west).Read(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
}

// Two regions write one item: after the partition heals, both hold the later write, in whatever order they arrive.
func TestLastWriterWins(t *testing.T) {
	t.Parallel()
	table := newReplicas(nil, newClock().Now, false)
	docs := mem.NewDocuments(table, "")
	for i, region := range []string{east, west} {
		if err := docs.Put(t.Context(), region, "state#x", "operator", i, 0); err != nil {
			t.Fatal(err)
		}
	}
	table.Replicate()
	for _, region := range []string{east, west} {
		got, err := docs.Query(t.Context(), region, "state#x")
		if err != nil || string(got["operator"]) != "1" {
			t.Errorf("%s holds %s, %v", region, got["operator"], err)
		}
	}
}

func TestExpireDeletesWhatIsPastItsTime(t *testing.T) {
	t.Parallel()
	c := newClock()
	table := newReplicas(nil, c.Now, true)
	w := mem.NewWindows(table, east)
	ref := decide.Ref{RuleID: "r", Key: "k"}
	ahead := c.Now().Add(time.Hour) // an entry's time counts where it is later than now
	entries := []decide.Entry{{Pos: loop.Position{Time: c.Now(), SignalKey: "a"}}, {Pos: loop.Position{Time: ahead, SignalKey: "b"}}}
	if err := w.Put(t.Context(), ref, entries, time.Minute); err != nil {
		t.Fatal(err)
	}
	count := func(want int) {
		t.Helper()
		got, err := w.Around(t.Context(), ref, decide.Look{At: entries[0].Pos})
		if err != nil || len(got.Entries) != want {
			t.Fatalf("%d entries, %v; want %d", len(got.Entries), err, want)
		}
	}
	c.Advance(time.Minute - 1)
	table.Expire()
	count(2)
	c.Advance(1)
	count(2) // seen until it is deleted
	table.Expire()
	count(1)
	c.Advance(time.Hour)
	table.Expire()
	count(0)
}

func TestAllListsTheBooks(t *testing.T) {
	t.Parallel()
	claims, episodes := mem.NewClaims(nil), mem.NewEpisodes(nil)
	if _, _, err := claims.In(east).Open(t.Context(), loop.Claim{EffectID: "e", Status: loop.StatusClaimed}); err != nil {
		t.Fatal(err)
	}
	if err := episodes.In(east).Put(t.Context(), decide.Episode{Ref: decide.Ref{RuleID: "r", Key: "k"}, N: 7}); err != nil {
		t.Fatal(err)
	}
	cs, cerr := claims.All()
	es, eerr := episodes.All()
	if cerr != nil || eerr != nil || len(cs) != 1 || cs[0].EffectID != "e" || len(es) != 1 || es[0].N != 7 || es[0].Key != "k" {
		t.Fatalf("claims %v %v, episodes %v %v", cs, cerr, es, eerr)
	}
}
