package mem_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

const (
	east = "us-east-2"
	west = "us-west-2"
)

func send(t *testing.T, q *mem.Queues, n int) {
	t.Helper()
	for i := range n {
		if err := q.Send(t.Context(), east, loop.QueueActions, []loop.Outgoing{{Body: fmt.Appendf(nil, `{"n":%d}`, i), Group: "g"}})[0]; err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnacknowledgedMessageComesAgain(t *testing.T) {
	t.Parallel()
	c := newClock()
	q := mem.NewQueues(mem.QueuesConfig{Now: c.Now, Visibility: time.Minute})
	send(t, q, 1)
	first := q.Receive(east, loop.QueueActions, 10)
	if len(first) != 1 || first[0].Receives != 1 || first[0].Group != "g" {
		t.Fatalf("got %+v", first)
	}
	c.Advance(time.Minute - 1)
	if got := q.Receive(east, loop.QueueActions, 10); len(got) != 0 {
		t.Fatal("delivered while hidden")
	}
	c.Advance(1)
	second := q.Receive(east, loop.QueueActions, 10)
	if len(second) != 1 || second[0].Receives != 2 || second[0].ID != first[0].ID {
		t.Fatalf("got %+v", second)
	}
	if q.Ack(east, loop.QueueActions, first[0].Receipt) {
		t.Fatal("an old receipt deleted what another holder has")
	}
	if !q.Ack(east, loop.QueueActions, second[0].Receipt) || q.Ack(east, loop.QueueActions, second[0].Receipt) {
		t.Fatal("the latest receipt deletes once")
	}
	c.Advance(time.Hour)
	if got := q.Receive(east, loop.QueueActions, 10); len(got) != 0 {
		t.Fatal("delivered after its acknowledgement")
	}
}

func TestReleasedMessageComesWhenTold(t *testing.T) {
	t.Parallel()
	c := newClock()
	var arrived []time.Time
	q := mem.NewQueues(mem.QueuesConfig{Now: c.Now, Arrived: func(_, _ string, at time.Time) { arrived = append(arrived, at) }})
	send(t, q, 1)
	if q.Ack(east, loop.QueueActions, "") {
		t.Fatal("acknowledged what nobody holds")
	}
	d := q.Receive(east, loop.QueueActions, 1)[0]
	if !q.Release(east, loop.QueueActions, d.Receipt, 5*time.Second) || q.Release(east, loop.QueueActions, "", 0) || q.Release(east, loop.QueueActions, "m9/9", 0) {
		t.Fatal("release takes the latest receipt only")
	}
	if at, ok := q.Next(); !ok || !at.Equal(c.Now().Add(5*time.Second)) {
		t.Fatalf("next at %s, %v", at, ok)
	}
	if !slices.Equal(arrived, []time.Time{c.Now(), c.Now().Add(5 * time.Second)}) {
		t.Fatalf("told of %v", arrived)
	}
	c.Advance(5 * time.Second)
	if len(q.Receive(east, loop.QueueActions, 1)) != 1 {
		t.Fatal("did not come")
	}
	for _, delay := range []time.Duration{9, 3, 6} {
		m := loop.Outgoing{Body: []byte("{}"), Delay: delay * time.Second}
		if err := q.Send(t.Context(), west, fmt.Sprint(delay), []loop.Outgoing{m})[0]; err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(-time.Second) // the message in hand is visible later than all of these
	if at, ok := q.Next(); !ok || !at.Equal(c.Now().Add(4*time.Second)) {
		t.Fatalf("next at %s, %v", at, ok)
	}
	if _, ok := mem.NewQueues(mem.QueuesConfig{Now: c.Now}).Next(); ok {
		t.Fatal("an empty queue has a next message")
	}
}

func TestPoisonMovesToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	c := newClock()
	q := mem.NewQueues(mem.QueuesConfig{Now: c.Now, Visibility: time.Second, MaxReceive: 2})
	send(t, q, 1)
	for range 2 {
		if len(q.Receive(east, loop.QueueActions, 1)) != 1 {
			t.Fatal("buried too early")
		}
		c.Advance(time.Second)
	}
	if len(q.Receive(east, loop.QueueActions, 1)) != 0 {
		t.Fatal("delivered more often than allowed")
	}
	dlq := loop.DeadLetter(loop.QueueActions)
	for n := range 5 { // a dead-letter queue keeps what it has
		got := q.Receive(east, dlq, 1)
		if len(got) != 1 || got[0].Receives != n+1 {
			t.Fatalf("dead letter: %+v", got)
		}
		c.Advance(time.Second)
	}
	q.Lose(west)
	if len(q.Receive(east, dlq, 1)) != 1 {
		t.Fatal("losing one region emptied another")
	}
	c.Advance(time.Second)
	q.Lose(east)
	if len(q.Receive(east, dlq, 1)) != 0 {
		t.Fatal("a lost region still has messages")
	}
}

func TestOrderOfDelivery(t *testing.T) {
	t.Parallel()
	reverse := func(n int, swap func(i, j int)) {
		for i := range n / 2 {
			swap(i, n-1-i)
		}
	}
	for _, shuffle := range []func(int, func(i, j int)){nil, reverse} {
		q := mem.NewQueues(mem.QueuesConfig{Now: newClock().Now, Shuffle: shuffle})
		send(t, q, 3)
		var got []string
		for _, d := range q.Receive(east, loop.QueueActions, 2) {
			got = append(got, string(d.Body))
		}
		want := []string{`{"n":0}`, `{"n":1}`}
		if shuffle != nil {
			want = []string{`{"n":2}`, `{"n":1}`}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

type traceKey struct{}

func TestTraceTravels(t *testing.T) {
	t.Parallel()
	q := mem.NewQueues(mem.QueuesConfig{Now: newClock().Now, Trace: func(ctx context.Context) string {
		s, _ := ctx.Value(traceKey{}).(string)
		return s
	}})
	ctx := context.WithValue(t.Context(), traceKey{}, "Root=1-2-3")
	if err := q.Send(ctx, east, loop.QueueActions, []loop.Outgoing{{Body: []byte("{}")}})[0]; err != nil {
		t.Fatal(err)
	}
	if got := q.Receive(east, loop.QueueActions, 1)[0].Trace; got != "Root=1-2-3" {
		t.Fatalf("trace %q", got)
	}
}

var errDown = errors.New("down")

func TestFaultsBeforeAndAfter(t *testing.T) {
	t.Parallel()
	at := func(when mem.When) mem.Fault {
		return mem.Times(1, mem.On(func(op mem.Op) bool { return op.Service == "queue" && op.Name == "Send" && op.When == when }, errDown))
	}
	q := mem.NewQueues(mem.QueuesConfig{Now: newClock().Now, Fault: mem.All(at(mem.Before), at(mem.After))})
	msgs := []loop.Outgoing{{Body: []byte(`{"n":0}`)}, {Body: []byte(`{"n":1}`)}, {Body: []byte(`{"n":2}`)}}
	errs := q.Send(t.Context(), east, loop.QueueActions, msgs)
	if !errors.Is(errs[0], errDown) || !errors.Is(errs[1], errDown) || errs[2] != nil {
		t.Fatalf("got %v", errs)
	}
	var got []string
	for _, d := range q.Receive(east, loop.QueueActions, 10) {
		got = append(got, string(d.Body))
	}
	if !slices.Equal(got, []string{`{"n":1}`, `{"n":2}`}) { // refused; applied and lost; answered
		t.Fatalf("stored %v", got)
	}
}

func TestIsolatedRegionKeepsItsOwnServices(t *testing.T) {
	t.Parallel()
	q := mem.NewQueues(mem.QueuesConfig{Now: newClock().Now, Fault: mem.Isolated(east, errDown)})
	for _, c := range []struct {
		from, to string
		cut      bool
	}{{east, east, false}, {east, west, true}, {west, east, true}, {west, west, false}, {"", west, false}, {"", east, true}} {
		err := q.From(c.from).Send(t.Context(), c.to, loop.QueueSignals, []loop.Outgoing{{Body: []byte("{}")}})[0]
		if errors.Is(err, errDown) != c.cut {
			t.Errorf("from %q to %q: %v", c.from, c.to, err)
		}
	}
	claims, episodes := mem.NewClaims(mem.Isolated(east, errDown)), mem.NewEpisodes(mem.Isolated(east, errDown))
	for region, cut := range map[string]bool{east: true, west: false} {
		_, err := claims.In(region).Get(t.Context(), "e")
		_, eerr := episodes.In(region).Get(t.Context(), decide.Ref{})
		if errors.Is(err, errDown) != cut || errors.Is(eerr, errDown) != cut {
			t.Errorf("what all regions agree on, in %s: %v, %v", region, err, eerr)
		}
	}
}
