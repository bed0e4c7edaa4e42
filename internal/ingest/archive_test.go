package ingest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestAnArchivedInputIsSentToTheArchiveToo(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l := setup(q)
	a.Accept(t.Context(), "kept", arrivals(t, event("1"), event("2")))
	a.Accept(t.Context(), "shop", arrivals(t, event("3")))
	own, kept := q.items(t, ohio, loop.QueueSignals), q.items(t, ohio, loop.QueueArchive)
	if len(own) != 3 || len(kept) != 2 || string(kept[1].Signal) != string(own[1].Signal) || !kept[0].AcceptedAt.Equal(noon) || kept[0].Input != "kept" || kept[0].Standby {
		t.Errorf("%+v", kept)
	}
	if n := len(q.items(t, oregon, loop.QueueArchive)); n != 0 || len(l.lost) > 0 {
		t.Errorf("the peer's archive has %d; lost %v", n, l.lost)
	}
}

// archiveless is a queue service of which one queue does not work.
type archiveless struct {
	Queue
	hang chan struct{} // nil: it fails at once
}

func (q archiveless) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	if queue != loop.QueueArchive {
		return q.Queue.Send(ctx, region, queue, msgs)
	}
	if q.hang != nil {
		<-q.hang // deaf to its context
	}
	return fill(make([]error, len(msgs)), errors.New("down"))
}

// The archive may fail or hang: the answer is the same, hardly later, and what is missing is counted.
func TestTheArchiveCostsNoSignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		awake := make(chan struct{})
		for name, hang := range map[string]chan struct{}{"fails": nil, "hangs": awake} {
			q := &fakeQueue{delay: 400 * time.Millisecond}
			a, l := setup(q)
			a.cfg.Queue = archiveless{q, hang}
			start := time.Now()
			results := a.Accept(t.Context(), "kept", arrivals(t, event("1"), event("2")))
			took := time.Since(start)
			if slices.ContainsFunc(results, func(r Result) bool { return r.Err != nil || r.Copies != 2 }) || l.lost["kept"] != 2 || l.accepted["kept/2"] != 2 {
				t.Errorf("%s: %+v, lost %v", name, results, l.lost)
			}
			want := 400 * time.Millisecond
			if hang != nil {
				want += archiveGrace
			}
			if took != want {
				t.Errorf("%s: took %s, want %s", name, took, want)
			}
		}
		close(awake)
		synctest.Wait()
	})
}
