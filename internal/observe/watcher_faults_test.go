package observe_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// unread are documents of which another version wrote one, in one table or in all.
type unread struct {
	observe.Documents
	table, note string
}

func (u unread) Query(ctx context.Context, table, pk string) (map[string]json.RawMessage, error) {
	docs, err := u.Documents.Query(ctx, table, pk)
	if _, ok := docs[u.note]; ok && (u.table == "" || u.table == table) {
		docs[u.note] = nil
	}
	return docs, err
}

// A note that cannot be read says that somebody was heard, and not when: that is no silence.
func TestANoteThatCannotBeReadIsNoSilence(t *testing.T) {
	t.Parallel()
	for table, looks := range map[string]bool{"": false, west: true} {
		in := watched
		in.ExpectIn = loop.ExpectEach
		s := newStage(in)
		s.minutes(t, 1, east, west)
		for range 5 {
			s.now = s.now.Add(time.Minute)
			for _, region := range []string{east, west} {
				s.heard[region].Accepted(t.Context(), "load", []string{"k"}, 2)
			}
			w := s.watcher(east)
			w.Docs = unread{w.Docs, table, west}
			if err := w.Run(t.Context()); (err == nil) != looks || err != nil && !strings.Contains(err.Error(), "load") {
				t.Fatalf("unreadable in %q: %v", table, err)
			}
		}
		if w := s.state(t); w.Stalled {
			t.Errorf("unreadable in %q: %+v", table, w)
		}
	}
}

// mute is a queue that swallows all that is sent to one region.
type mute struct {
	observe.Queue
	region string
}

func (m mute) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	if region == m.region {
		<-ctx.Done()
		return []error{ctx.Err()}
	}
	return m.Queue.Send(ctx, region, queue, msgs)
}

// While a region swallows what is sent to it, many inputs take no longer than one.
func TestInputsAreLookedAtTogether(t *testing.T) {
	t.Parallel()
	took := map[int]time.Duration{}
	for _, inputs := range []int{1, 40} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(watched)
			clear(s.inputs)
			for i := range inputs {
				s.inputs[strconv.Itoa(i)] = watched
			}
			w := s.watcher(east)
			w.Queue = mute{w.Queue, west}
			if err := w.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.now = s.now.Add(2 * time.Minute)
			began := time.Now()
			if err := w.Run(t.Context()); err != nil || len(s.switches) != inputs {
				t.Fatalf("%d switched, %v", len(s.switches), err)
			}
			took[inputs] = time.Since(began)
		})
	}
	if took[1] == 0 || took[40] != took[1] {
		t.Errorf("took %v", took)
	}
}
