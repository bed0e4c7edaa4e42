package backtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// What decide sends back to itself with a delay comes when it is due, not before.
func TestTimersComeBackWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	sides, err := newSides(nil, config(t, fmt.Sprintf(benchRules, "1.0")))
	if err != nil {
		t.Fatal(err)
	}
	s := sides.new
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, delay := range []time.Duration{20 * time.Minute, 10 * time.Minute} {
		body, err := loop.Encode(loop.Item{AcceptedAt: start, Input: "0", Signal: fmt.Appendf(nil,
			`{"specversion":"1.0","type":"com.example.deploy.failed","source":"s","id":"%d","subject":"x"}`, i)})
		if err != nil {
			t.Fatal(err)
		}
		v := &visit{side: s, turn: open(), now: start}
		if err := v.Send(t.Context(), region, loop.QueueSignals, []loop.Outgoing{{Body: body, Delay: delay}})[0]; err != nil {
			t.Fatal(err)
		}
	}
	for minutes, want := range []int{0: 0, 9: 0, 10: 1, 19: 0, 20: 1, 21: 0} {
		if minutes > 0 && want == 0 && minutes != 9 && minutes != 19 && minutes != 21 {
			continue
		}
		out, err := s.decide(t.Context(), open(), taken{}, start.Add(time.Duration(minutes)*time.Minute))
		if err != nil || len(out.Made) != want {
			t.Errorf("after %d minutes: %d decisions, want %d, %v", minutes, len(out.Made), want, err)
		}
	}
}

// A batch must not touch the state before the one in front of it has done so.
func TestABatchWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	before := make(chan struct{})
	v := &visit{side: newSide(nil), turn: turn{before: before}}
	entered := make(chan error)
	go func() { entered <- v.enter(t.Context()) }()
	select {
	case err := <-entered:
		t.Fatal("entered before its turn", err)
	default:
	}
	close(before)
	if err := <-entered; err != nil {
		t.Error(err)
	}
}

func entryAt(s int, clear bool) decide.Entry {
	return decide.Entry{Pos: loop.Position{Time: Epoch.Add(time.Duration(s) * time.Second), SignalKey: fmt.Sprintf("%04d", s)}, Clear: clear}
}

func TestAWindowForgetsWhatNobodyNeeds(t *testing.T) {
	t.Parallel()
	k := &keyState{}
	for s := range 10_000 {
		k.put([]decide.Entry{entryAt(s, false)}, time.Minute)
		if len(k.entries) > 150 {
			t.Fatalf("%d entries of a minute are kept", len(k.entries))
		}
	}
	at := entryAt(9_990, false).Pos
	look := func(at loop.Position, after time.Time, hits int) []decide.Entry {
		return k.around(decide.Look{At: at, After: after, Before: func() decide.LookBehind { return decide.NewestHits(hits) }}).Entries
	}
	if got := look(at, at.Time.Add(-30*time.Second), 100); len(got) != 29+10 {
		t.Errorf("%d entries around", len(got))
	}
	if got := look(at, at.Time.Add(-30*time.Second), 3); len(got) != 3+10 || got[0].Pos != entryAt(9_987, false).Pos {
		t.Errorf("%d entries around, from %s", len(got), got[0].Pos)
	}
}

func TestEntriesStandInOrderAndOnce(t *testing.T) {
	t.Parallel()
	k := &keyState{}
	for _, s := range []int{5, 1, 3, 1, 4, 5} {
		k.put([]decide.Entry{entryAt(s, s == 3)}, time.Hour)
	}
	if !slices.IsSortedFunc(k.entries, func(a, b decide.Entry) int { return a.Pos.Compare(b.Pos) }) || len(k.entries) != 4 {
		t.Errorf("%v", k.entries)
	}
	if got := k.around(decide.Look{At: entryAt(4, false).Pos, After: Epoch, Before: func() decide.LookBehind { return decide.NewestHits(9) }}).Entries; len(got) != 3 { // the clear one before does not count
		t.Errorf("%v", got)
	}
}

// A recording of a million users must not keep a million windows.
func TestClosedKeysAreForgotten(t *testing.T) {
	t.Parallel()
	text := strings.Replace(fmt.Sprintf(benchRules, "48.0"), "key: signal.subject", "key: signal.subject + signal.id", 10)
	sides, err := newSides(nil, config(t, text))
	if err != nil {
		t.Fatal(err)
	}
	const n, least = 6000, 1000
	sides.new.state.least, sides.new.state.due = least, least
	most := 0
	for i := 0; i < n; i += batchSize {
		b := &batch{}
		for _, r := range series(batchSize) {
			r.At = r.At.Add(time.Duration(i) * time.Minute)
			r.Signal = fmt.Appendf(nil, `{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"%d-%d","subject":"i","time":%q,"data":{"value":50}}`, i, r.N, r.At.Format(time.RFC3339))
			b.records = append(b.records, r)
		}
		in, _ := items(sides.new.set, b.events())
		if _, err := sides.new.decide(t.Context(), open(), in, b.records[batchSize-1].At); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(sides.new.state.keys))
	}
	if most > 2*least+batchSize || most < least/2 {
		t.Errorf("up to %d keys of %d are kept", most, n)
	}
}
