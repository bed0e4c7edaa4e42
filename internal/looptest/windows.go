package looptest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Windows is the suite for decide.Windows.
func Windows(t *testing.T, open func(t *testing.T) Bench[decide.Windows]) {
	t.Helper()
	run(t, open, []hazard[decide.Windows]{
		{"OwnEntryIsMissed", ownEntries},
		{"RedeliveredEntryCountsTwice", repeatedEntries},
		{"OldestHitsTakenForNewest", newestHits},
		{"RecoveryCountsAsHit", clearsAreNoHits},
		{"BoundOfTheWindowIsOffByOne", afterIsExclusive},
		{"LateEntryBeforeTheWindowIsMissed", atBeforeAfter},
		{"LateEntryDoesNotSeeWhatCameAfter", forward},
		{"LongWindowIsReadInPart", manyEntries},
		{"OneBatchIsStoredInPart", bigBatch},
		{"SameSecondIsReordered", nanoseconds},
		{"PeersEntriesAreMissed", peers},
		{"WhatAnEntrySaysIsLost", saying},
		{"HotKeyIsReadWithoutEnd", bounded},
		{"BoundTakesTheOldest", newestOfTheBound},
		{"KeysShareAWindow", windowsAreApart},
		{"CallAfterTheDeadlineIsApplied", canceledWindow},
	})
}

var (
	windowRef = decide.Ref{RuleID: "r", Key: "k"}
	keep      = time.Hour
)

func pos(seconds int) loop.Position {
	return loop.Position{Time: at(seconds), SignalKey: fmt.Sprintf("signal-%05d", seconds)}
}

func hit(seconds int) decide.Entry      { return decide.Entry{Pos: pos(seconds)} }
func recovery(seconds int) decide.Entry { return decide.Entry{Pos: pos(seconds), Clear: true} }

func hits(from, to int) (entries []decide.Entry) {
	for s := from; s <= to; s++ {
		entries = append(entries, hit(s))
	}
	return entries
}

func put(t *testing.T, w decide.Windows, ref decide.Ref, entries ...decide.Entry) {
	t.Helper()
	must(t, w.Put(deadline(t), ref, entries, keep))
}

func around(t *testing.T, w decide.Windows, ref decide.Ref, from loop.Position, after time.Time, n int) []decide.Entry {
	t.Helper()
	look := decide.Look{At: from, After: after, Expect: n, Before: func() decide.LookBehind { return decide.NewestHits(n) }}
	if n == 0 {
		look.Before = nil
	}
	seen, err := w.Around(deadline(t), ref, look)
	must(t, err)
	if seen.Overflow || seen.From != from {
		t.Errorf("without a bound: overflow %v, to be judged from %s", seen.Overflow, seen.From)
	}
	return seen.Entries
}

func expect(t *testing.T, got []decide.Entry, want ...decide.Entry) {
	t.Helper()
	same(t, got, append([]decide.Entry(nil), want...))
}

func ownEntries(t *testing.T, b Bench[decide.Windows]) {
	expect(t, around(t, b.Here, windowRef, pos(0), at(-60), 3))
	put(t, b.Here, windowRef, hit(0))
	expect(t, around(t, b.Here, windowRef, pos(0), at(-60), 3), hit(0))
}

func repeatedEntries(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hit(0), recovery(1))
	put(t, b.Here, windowRef, hit(0), hit(0), recovery(1)) // a batch may name one twice
	expect(t, around(t, b.Here, windowRef, pos(0), at(-60), 3), hit(0), recovery(1))
}

func newestHits(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hits(0, 9)...)
	expect(t, around(t, b.Here, windowRef, pos(9), at(-60), 2), hit(7), hit(8), hit(9))
	expect(t, around(t, b.Here, windowRef, pos(9), at(-60), 0), hit(9))
}

func clearsAreNoHits(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hit(0), recovery(1), hit(2), recovery(3), recovery(4), hit(5))
	expect(t, around(t, b.Here, windowRef, pos(5), at(-60), 2), hit(0), hit(2), hit(5))
}

func afterIsExclusive(t *testing.T, b Bench[decide.Windows]) {
	just := decide.Entry{Pos: loop.Position{Time: at(0).Add(time.Nanosecond), SignalKey: "just"}}
	put(t, b.Here, windowRef, hit(-1), hit(0), just, hit(1), hit(2))
	expect(t, around(t, b.Here, windowRef, pos(2), at(0), 9), just, hit(1), hit(2))
}

func atBeforeAfter(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hits(0, 4)...)
	expect(t, around(t, b.Here, windowRef, pos(2), at(9), 9), hit(2), hit(3), hit(4))
	expect(t, around(t, b.Here, windowRef, pos(2), at(2), 9), hit(2), hit(3), hit(4))
}

func forward(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hit(0), hit(1), recovery(2), hit(3), recovery(4))
	expect(t, around(t, b.Here, windowRef, pos(1), at(-60), 5), hit(0), hit(1), recovery(2), hit(3), recovery(4))
}

func manyEntries(t *testing.T, b Bench[decide.Windows]) {
	all := hits(0, 299)
	for i := range all {
		all[i].Clear = i%3 == 0 && i < 200 // hits before `at` stand far apart
	}
	put(t, b.Here, windowRef, all...)
	hitsBefore := slices.DeleteFunc(slices.Clone(all[:200]), func(e decide.Entry) bool { return e.Clear })
	for _, n := range []int{1, 3, 50, len(hitsBefore), len(hitsBefore) + 1} {
		wanted := slices.Concat(hitsBefore[max(len(hitsBefore)-n, 0):], all[200:])
		expect(t, around(t, b.Here, windowRef, pos(200), at(-60), n), wanted...)
	}
	expect(t, around(t, b.Here, windowRef, pos(0), at(-60), 0), all...)
}

func bigBatch(t *testing.T, b Bench[decide.Windows]) {
	for _, n := range []int{1, 24, 25, 26, 51} {
		ref := decide.Ref{RuleID: "r", Key: fmt.Sprint(n)}
		put(t, b.Here, ref, hits(1, n)...)
		expect(t, around(t, b.Here, ref, pos(1), at(-60), 1), hits(1, n)...)
	}
}

func nanoseconds(t *testing.T, b Bench[decide.Windows]) {
	second := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var entries []decide.Entry
	for _, ns := range []time.Duration{0, 1, 10, 100000000, 120000000, 999999999} {
		entries = append(entries, decide.Entry{Pos: loop.Position{Time: second.Add(ns), SignalKey: "s"}})
	}
	entries = append(entries, decide.Entry{Pos: loop.Position{Time: second.Add(999999999), SignalKey: "t"}})
	for _, e := range slices.Backward(entries) {
		put(t, b.Here, windowRef, e)
	}
	expect(t, around(t, b.Here, windowRef, entries[2].Pos, second.Add(-1), 9), entries...)
}

// peers: each region's newest hits are needed, since one signal may stand in both partitions.
func peers(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hit(0), hit(2), hit(4), hit(6))
	put(t, b.There, windowRef, hit(1), hit(4), recovery(5))
	b.replicate()
	for _, view := range []decide.Windows{b.Here, b.There} {
		expect(t, around(t, view, windowRef, pos(0), at(-60), 3), hit(0), hit(1), hit(2), hit(4), hit(4), recovery(5), hit(6))
		got := around(t, view, windowRef, pos(6), at(-60), 2)
		for _, e := range []decide.Entry{hit(2), hit(4), hit(6)} {
			if !slices.Contains(got, e) {
				t.Errorf("the newest hits miss %s: %v", e.Pos, got)
			}
		}
	}
}

// saying: all that an entry says comes back, to the last bit.
func saying(t *testing.T, b Bench[decide.Windows]) {
	var all []decide.Entry
	for i, v := range []float64{0, 1, -1, 0.1, 1e300, -1e300, 5e-324, 1.0 / 3, 123456789.123456789} {
		all = append(all, decide.Entry{Pos: pos(i), Value: v, Miss: i%2 == 0, Clear: i%3 == 0, Tick: i%4 == 1, Met: uint64(i) << 12})
	}
	put(t, b.Here, windowRef, all...)
	expect(t, around(t, b.Here, windowRef, pos(0), at(-60), 0), all...)
}

func everything() decide.LookBehind {
	return func(decide.Entry) (want, more bool) { return true, true }
}

// bounded: of the entries from At on and of those before it, no more than the bound are read.
func bounded(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hits(1, 100)...)
	for _, c := range []struct {
		at, limit int
		entries   []decide.Entry
		from      int
		overflow  bool
	}{
		{at: 91, limit: 30, entries: hits(61, 100), from: 91, overflow: true},
		{at: 91, limit: 90, entries: hits(1, 100), from: 91, overflow: true}, // it cannot know that there is no more
		{at: 91, limit: 91, entries: hits(1, 100), from: 91},
		{at: 51, limit: 30, entries: hits(41, 100), from: 71, overflow: true},
		{at: 71, limit: 30, entries: hits(41, 100), from: 71, overflow: true},
	} {
		seen, err := b.Here.Around(deadline(t), windowRef, decide.Look{At: pos(c.at), After: at(-60), Before: everything, Limit: c.limit})
		must(t, err)
		expect(t, seen.Entries, c.entries...)
		if seen.From != pos(c.from) || seen.Overflow != c.overflow {
			t.Errorf("at %d, %d at most: judged from %s, overflow %v", c.at, c.limit, seen.From, seen.Overflow)
		}
	}
}

// newestOfTheBound: the region that is behind does not bring back what the bound has cut off in the other.
func newestOfTheBound(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hits(1, 40)...)
	put(t, b.There, windowRef, hits(1, 10)...)
	b.replicate()
	seen, err := b.Here.Around(deadline(t), windowRef, decide.Look{At: pos(1), After: at(-60), Limit: 20})
	must(t, err)
	if seen.From != pos(21) || !seen.Overflow {
		t.Errorf("to be judged from %s, overflow %v", seen.From, seen.Overflow)
	}
}

func windowsAreApart(t *testing.T, b Bench[decide.Windows]) {
	put(t, b.Here, windowRef, hit(0))
	put(t, b.Here, decide.Ref{RuleID: "r", Key: "other"}, hit(1))
	put(t, b.Here, decide.Ref{RuleID: "other", Key: "k"}, hit(2))
	expect(t, around(t, b.Here, windowRef, pos(-1), at(-60), 9), hit(0))
}

func canceledWindow(t *testing.T, b Bench[decide.Windows]) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, b.Here.Put(ctx, windowRef, hits(0, 3), keep), context.Canceled)
	_, err := b.Here.Around(ctx, windowRef, decide.Look{At: pos(0), After: at(-60)})
	want(t, err, context.Canceled)
	expect(t, around(t, b.Here, windowRef, pos(0), at(-60), 3))
}
