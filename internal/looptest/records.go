package looptest

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// Records is the suite for observe.Records.
func Records(t *testing.T, open func(t *testing.T) Bench[observe.Records]) {
	t.Helper()
	run(t, open, []hazard[observe.Records]{
		{"NothingStoredIsAnError", noRecord},
		{"OneRegionDoesNotSeeWhatAnotherStored", recordIsSeen},
		{"TwoRegionsBothSwitch", oneOfManyRecords},
		{"LostAnswerIsGuessed", lostRecord},
	})
}

type note struct {
	Text string `json:"text"`
}

func recorded(t *testing.T, s observe.Records, key string) (n note, rev int64) {
	t.Helper()
	raw, rev, err := s.Load(deadline(t), key)
	must(t, err)
	if rev > 0 {
		must(t, json.Unmarshal(raw, &n))
	}
	return n, rev
}

func noRecord(t *testing.T, b Bench[observe.Records]) {
	raw, rev, err := b.Here.Load(deadline(t), "watched#a")
	if err != nil || raw != nil || rev != 0 {
		t.Fatalf("%s, %d, %v", raw, rev, err)
	}
	want(t, b.Here.Store(deadline(t), "watched#a", note{"x"}, 1), loop.ErrConflict)
}

func recordIsSeen(t *testing.T, b Bench[observe.Records]) {
	must(t, b.Here.Store(deadline(t), "watched#a", note{"<&> ☂"}, 0))
	must(t, b.Here.Store(deadline(t), "watched#b", note{"other"}, 0))
	n, rev := recorded(t, b.There, "watched#a")
	same(t, n, note{"<&> ☂"})
	must(t, b.There.Store(deadline(t), "watched#a", note{"second"}, rev))
	n, rev = recorded(t, b.Here, "watched#a")
	same(t, n, note{"second"})
	same(t, rev, int64(2))
	want(t, b.Here.Store(deadline(t), "watched#a", note{"late"}, 1), loop.ErrConflict)
	n, _ = recorded(t, b.Here, "watched#b")
	same(t, n, note{"other"})
}

func oneOfManyRecords(t *testing.T, b Bench[observe.Records]) {
	must(t, b.Here.Store(deadline(t), "cursor#a", note{}, 0))
	var won atomic.Int32
	ctx := deadline(t)
	race(8, func(i int) {
		view := b.Here
		if i%2 == 1 {
			view = b.There
		}
		switch err := view.Store(ctx, "cursor#a", note{"mine"}, 1); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, loop.ErrConflict):
			t.Errorf("store: %v", err)
		}
	})
	if _, rev := recorded(t, b.There, "cursor#a"); won.Load() != 1 || rev != 2 {
		t.Fatalf("%d of 8 stored, revision %d", won.Load(), rev)
	}
}

func lostRecord(t *testing.T, b Bench[observe.Records]) {
	b.LoseAnswer()
	want(t, b.Here.Store(deadline(t), "cursor#a", note{"x"}, 0), ErrLost)
	n, rev := recorded(t, b.There, "cursor#a")
	same(t, n, note{"x"})
	same(t, rev, int64(1))
}
