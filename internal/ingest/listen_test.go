package ingest

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// notebook counts notes.
type notebook struct {
	notes map[string]int
	err   error
}

func (n *notebook) Put(_ context.Context, region, pk, sk string, doc any, _ time.Duration) error {
	if at := doc.(loop.Heard).At; at.IsZero() || region != sk {
		return errors.New("a note without a time or under another's name")
	}
	n.notes[pk]++
	return n.err
}

func TestAWatchedInputIsNotedTwiceInItsTimeAndNoMore(t *testing.T) {
	t.Parallel()
	n, now, lost := &notebook{notes: map[string]int{}}, noon, 0
	l := &Listener{
		Observer: blind{}, Region: ohio, Notes: n, Now: func() time.Time { return now }, Lost: func(context.Context, error) { lost++ },
		Inputs: map[string]loop.Input{"watched": {ExpectEvery: loop.Duration(time.Minute)}, "free": {}},
	}
	for range 120 { // two minutes
		for range 10 {
			l.Accepted(t.Context(), "watched", []string{"k"}, 2)
			l.Accepted(t.Context(), "free", []string{"k"}, 2)
		}
		now = now.Add(time.Second)
	}
	if n.notes["heard#watched"] != 4 || len(n.notes) != 1 || lost > 0 {
		t.Errorf("%v, %d lost", n.notes, lost)
	}
	n.err = errors.New("down")
	now = now.Add(time.Minute)
	for range 10 {
		l.Accepted(t.Context(), "watched", []string{"k"}, 2)
	}
	if lost != 1 {
		t.Errorf("a table that does not answer was asked %d times at once", lost)
	}
}
