package ingest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
)

// FAULTS 3: every combination of policy, durability and dead regions.
func TestCopiesByPolicyAndRegion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		input  string
		down   []string
		copies int // 0: refused as unavailable
		own    int // messages stored in the own region
		peer   int
	}{
		{"shop", nil, 2, 1, 1},
		{"shop", []string{oregon}, 0, 1, 0},
		{"shop", []string{ohio}, 0, 0, 1},
		{"shop", []string{ohio, oregon}, 0, 0, 0},
		{"any", nil, 2, 1, 1},
		{"any", []string{oregon}, 1, 1, 0},
		{"any", []string{ohio}, 1, 0, 2},
		{"any", []string{ohio, oregon}, 0, 0, 0},
		{"local", nil, 1, 1, 0},
		{"local", []string{oregon}, 1, 1, 0},
		{"local", []string{ohio}, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.input, tt.down), func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{fail: down(tt.down...)}
			a, l := setup(q)
			r := a.Accept(t.Context(), tt.input, arrivals(t, event("1")))[0]
			wantCode := loop.Code("")
			if tt.copies == 0 {
				wantCode = loop.CodeUnavailable
			}
			if r.Copies != tt.copies || loop.CodeOf(r.Err) != wantCode || r.Key != loop.SignalKey("shop/checkout", "1") {
				t.Errorf("got %+v", r)
			}
			if own, peer := len(q.items(t, ohio, loop.QueueSignals)), len(q.items(t, oregon, loop.QueueSignals)); own != tt.own || peer != tt.peer {
				t.Errorf("stored %d and %d; want %d and %d", own, peer, tt.own, tt.peer)
			}
			counted := map[string]int{}
			if tt.copies > 0 {
				counted[fmt.Sprintf("%s/%d", tt.input, tt.copies)] = 1
			}
			if !reflect.DeepEqual(l.accepted, counted) {
				t.Errorf("counted %v; want %v", l.accepted, counted)
			}
			if wantCode != "" && l.refused[tt.input+"/unavailable"] != 1 {
				t.Errorf("refusals counted: %v", l.refused)
			}
		})
	}
}

func TestBothCopiesAreOneSignal(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, _ := setup(q)
	ticks := noon
	a.cfg.Now = func() time.Time { ticks = ticks.Add(time.Second); return ticks } // a second stamp would differ
	a.Accept(t.Context(), "shop", arrivals(t, event("1"), event("2", `"data":"<\ufffe>"`)))
	own, peer := q.items(t, ohio, loop.QueueSignals), q.items(t, oregon, loop.QueueSignals)
	if len(own) != 2 || len(peer) != 2 {
		t.Fatalf("%d and %d items", len(own), len(peer))
	}
	for i := range own {
		if own[i].Standby || !peer[i].Standby {
			t.Error("the peer's copy, and only that, is a standby copy")
		}
		if !own[i].AcceptedAt.Equal(noon.Add(time.Second)) || own[i].Input != "shop" {
			t.Errorf("item %+v", own[i])
		}
		peer[i].Standby = false
		if !reflect.DeepEqual(own[i], peer[i]) {
			t.Errorf("the copies differ:\n%+v\n%+v", own[i], peer[i])
		}
	}
	for _, s := range q.sent {
		want := time.Duration(0)
		if s.region == oregon {
			want = 20 * time.Second
		}
		if s.msg.Delay != want || s.msg.Group != "shop" {
			t.Errorf("%s: delay %s, group %q", s.region, s.msg.Delay, s.msg.Group)
		}
	}
}

// With policy any and only the peer alive, the peer gets a copy that acts at once beside the delayed one.
func TestPeerAloneActsAtOnce(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{fail: down(ohio)}
	a, _ := setup(q)
	a.Accept(t.Context(), "any", arrivals(t, event("1")))
	items := q.items(t, oregon, loop.QueueSignals)
	if len(items) != 2 || !items[0].Standby || items[1].Standby || q.sent[1].msg.Delay != 0 {
		t.Errorf("items %+v", items)
	}
	if !items[0].AcceptedAt.Equal(items[1].AcceptedAt) {
		t.Error("two stamps for one acceptance")
	}

	// The delayed copy is durable whether or not the second send succeeds.
	q = &fakeQueue{fail: func(region, _ string, call, _ int) error {
		if region == ohio || call == 3 {
			return errDown
		}
		return nil
	}}
	a, _ = setup(q)
	if r := a.Accept(t.Context(), "any", arrivals(t, event("1")))[0]; r.Copies != 1 || r.Err != nil || q.calls != 3 {
		t.Errorf("%+v after %d calls", r, q.calls)
	}
}

// Of three loop regions the second peer keeps what the first cannot: "a" 202 under policy all needs any two of three.
func TestAnotherPeerKeepsWhatTheFirstCannot(t *testing.T) {
	t.Parallel()
	const dublin = "eu-west-1"
	tests := []struct {
		input              string
		down               []string
		copies             int
		own, first, second int // messages stored
	}{
		{"shop", nil, 2, 1, 1, 0},
		{"shop", []string{oregon}, 2, 1, 0, 1},
		{"shop", []string{oregon, dublin}, 0, 1, 0, 0},
		{"shop", []string{ohio}, 0, 0, 1, 0},
		{"shop", []string{ohio, oregon}, 0, 0, 0, 0},
		{"any", []string{oregon}, 2, 1, 0, 1},
		{"any", []string{oregon, dublin}, 1, 1, 0, 0},
		{"any", []string{ohio, oregon}, 1, 0, 0, 2},
		{"any", []string{ohio}, 1, 0, 2, 0},
		{"any", []string{ohio, oregon, dublin}, 0, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.input, tt.down), func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{fail: down(tt.down...)}
			a, _ := setup(q)
			a.cfg.Peers = []string{oregon, dublin}
			r := a.Accept(t.Context(), tt.input, arrivals(t, event("1")))[0]
			stored := func(region string) int { return len(q.items(t, region, loop.QueueSignals)) }
			if r.Copies != tt.copies || stored(ohio) != tt.own || stored(oregon) != tt.first || stored(dublin) != tt.second {
				t.Errorf("%d copies, stored %d, %d and %d", r.Copies, stored(ohio), stored(oregon), stored(dublin))
			}
			for _, s := range q.sent {
				// A copy waits its standby delay, but for the second one of what only a peer has.
				if lone := tt.own == 0; s.region != ohio && !lone && s.msg.Delay != 20*time.Second {
					t.Errorf("the copy in %s has the delay %s", s.region, s.msg.Delay)
				}
			}
		})
	}

	// Of two packs the first peer stores one.
	q := &fakeQueue{fail: func(region, _ string, _, message int) error {
		if region == oregon && message == 1 {
			return errDown
		}
		return nil
	}}
	a, _ := setup(q)
	a.cfg.Peers = []string{oregon, dublin}
	var events []string
	for i := range 6 {
		events = append(events, sized(t, fmt.Sprint(i), 250<<10))
	}
	for i, r := range a.Accept(t.Context(), "shop", arrivals(t, events...)) {
		if r.Copies != 2 {
			t.Errorf("signal %d has %d copies: %v", i, r.Copies, r.Err)
		}
	}
	if first, second := q.ids(t, oregon), q.ids(t, dublin); !slices.Equal(first, []string{"0", "1", "2"}) || !slices.Equal(second, []string{"3", "4", "5"}) {
		t.Errorf("stored %v and %v", first, second)
	}
}

func TestSingleRegionHasOneCopy(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, _ := setup(q)
	a.cfg.Peers = nil
	if r := a.Accept(t.Context(), "shop", arrivals(t, event("1")))[0]; r.Copies != 1 || r.Err != nil || len(q.sent) != 1 {
		t.Errorf("%+v, %d messages", r, len(q.sent))
	}
}

// FAULTS 4: part of a batch fails in one region; only the signals of those messages are refused.
func TestPartOfASendFails(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{fail: func(region, _ string, _, message int) error {
		if region == oregon && message == 1 {
			return errDown
		}
		return nil
	}}
	a, _ := setup(q)
	var events []string
	for i := range 6 {
		events = append(events, sized(t, fmt.Sprint(i), 250<<10))
	}
	for i, r := range a.Accept(t.Context(), "shop", arrivals(t, events...)) {
		if refused := i >= 3; refused != (loop.CodeOf(r.Err) == loop.CodeUnavailable) {
			t.Errorf("event %d: %+v", i, r)
		}
	}
	if got := q.ids(t, oregon); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("the peer has %v", got)
	}
}

// An adapter that answers for fewer messages than it got has not said that the others are stored.
func TestNoAnswerIsNoCopy(t *testing.T) {
	t.Parallel()
	a, _ := setup(nil)
	a.cfg.Queue = mute{}
	if r := a.Accept(t.Context(), "local", arrivals(t, event("1")))[0]; loop.CodeOf(r.Err) != loop.CodeUnavailable {
		t.Errorf("%+v", r)
	}
}

type mute struct{}

func (mute) Send(context.Context, string, string, []loop.Outgoing) []error { return nil }

// A peer that hangs costs one second, whether or not the adapter watches its context.
func TestHangingPeerIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		awake := make(chan struct{})
		for name, q := range map[string]*fakeQueue{
			"obeys its context": {hang: map[string]bool{oregon: true}},
			"ignores it":        {deaf: map[string]chan struct{}{oregon: awake}},
		} {
			a, _ := setup(q)
			start := time.Now()
			if r := a.Accept(t.Context(), "any", arrivals(t, event("1")))[0]; r.Copies != 1 || r.Err != nil {
				t.Errorf("%s: any: %+v", name, r)
			}
			if took := time.Since(start); took != DefaultSendTimeout {
				t.Errorf("%s: took %s", name, took)
			}
			if r := a.Accept(t.Context(), "shop", arrivals(t, event("1")))[0]; loop.CodeOf(r.Err) != loop.CodeUnavailable {
				t.Errorf("%s: all: %+v", name, r)
			}
		}
		close(awake)
		synctest.Wait()
	})
}

func TestCopiesAreSentInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{delay: 400 * time.Millisecond}
		a, _ := setup(q)
		start := time.Now()
		if r := a.Accept(t.Context(), "shop", arrivals(t, event("1")))[0]; r.Copies != 2 {
			t.Errorf("%+v", r)
		}
		if took := time.Since(start); took != 400*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
}

func TestUnknownInputStoresNothing(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l := setup(q)
	if r := a.Accept(t.Context(), "nobody\n", arrivals(t, event("1")))[0]; loop.CodeOf(r.Err) != loop.CodeUnknownInput || len(q.sent) > 0 {
		t.Errorf("%+v", r)
	}
	if l.refused["/unknown_input"] != 1 {
		t.Errorf("a name from outside became a metric: %v", l.refused)
	}
}

func TestProducerWhoLeavesGetsNoFalseAnswer(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{hang: map[string]bool{ohio: true, oregon: true}}
	a, _ := setup(q)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gone"))
	if r := a.Accept(ctx, "any", arrivals(t, event("1")))[0]; loop.CodeOf(r.Err) != loop.CodeUnavailable {
		t.Errorf("%+v", r)
	}
}
