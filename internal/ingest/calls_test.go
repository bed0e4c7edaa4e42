package ingest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// bill counts what SQS would: requests, and units of 64 KB. "Every 64 KB chunk of a payload is billed as 1 request."
// A SendMessageBatch takes ten messages and 1 MiB, and one receive hands over up to ten.
// https://aws.amazon.com/sqs/pricing/
type bill struct {
	queues       *mem.Queues
	calls, units int
}

func (b *bill) charge(payload int) {
	b.calls++
	b.units += max(1, (payload+64<<10-1)/(64<<10))
}

func (b *bill) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	size, entries := 0, 0
	for _, m := range msgs {
		if entries == 10 || entries > 0 && size+len(m.Body) > 1<<20 {
			b.charge(size)
			size, entries = 0, 0
		}
		size, entries = size+len(m.Body), entries+1
	}
	b.charge(size)
	return b.queues.Send(ctx, region, queue, msgs)
}

// drain receives and deletes everything in both regions, and says how many signals there were.
func (b *bill) drain(t testing.TB) (signals int) {
	t.Helper()
	for _, region := range []string{"us-east-2", "us-west-2"} {
		for {
			got := b.queues.Receive(region, loop.QueueSignals, 10)
			if len(got) == 0 {
				break
			}
			size := 0
			for _, m := range got {
				size += len(m.Body)
				signals += strings.Count(string(m.Body), `"specversion"`)
				if m.Group != "shop" {
					t.Errorf("the group is %q", m.Group)
				}
				b.queues.Ack(region, loop.QueueSignals, m.Receipt)
			}
			b.charge(size)
			b.charge(0) // one DeleteMessageBatch
		}
	}
	return signals
}

// producer accepts n batches of 100 signals of one kilobyte each.
func produce(t testing.TB, batches int) *bill {
	t.Helper()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	b := &bill{queues: mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return now }})}
	a := ingest.New(ingest.Config{
		Region: "us-east-2", Peers: []string{"us-west-2"}, Queue: serial{b, make(chan struct{}, 1)}, Now: func() time.Time { return now },
		Inputs: map[string]loop.Input{"shop": {Kind: loop.KindHTTP, Durability: loop.Mirrored, Policy: loop.PolicyAll}},
	})
	for batch := range batches {
		arrivals := make([]ingest.Arrival, 100)
		for i := range arrivals {
			s := loop.Signal{ID: fmt.Sprintf("%d/%d", batch, i), Source: "shop/checkout", Type: "com.example.metric"}
			raw, err := s.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			s.Data = []byte(`"` + strings.Repeat("x", 1<<10-len(raw)-len(`,"data":""`)) + `"`)
			arrivals[i].Signal = s
		}
		for _, r := range a.Accept(t.Context(), "shop", arrivals) {
			if r.Err != nil || r.Copies != 2 {
				t.Fatalf("%+v", r)
			}
		}
	}
	return b
}

// serial lets the sends to the two regions, which run at once, take turns at the bill.
type serial struct {
	b    *bill
	turn chan struct{}
}

func (s serial) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.b.Send(ctx, region, queue, msgs)
}

// TestFewCalls holds the cost of the signals queues, both regions, sends, receives and deletes: six calls for a lone
// mirrored batch of 100 one-kilobyte signals, three where ten batches wait.
func TestFewCalls(t *testing.T) {
	t.Parallel()
	for batches, most := range map[int]int{1: 6, 10: 30} {
		b := produce(t, batches)
		if n := b.drain(t); n != 200*batches {
			t.Errorf("%d copies of %d signals", n, 100*batches)
		}
		if b.calls > most {
			t.Errorf("%d batches cost %d calls; at most %d", batches, b.calls, most)
		}
		t.Logf("%d batches of 100: %.1f calls and %.1f units of 64 KB a batch; %.0f calls and %.0f units per 1,000 signals",
			batches, per(b.calls, batches), per(b.units, batches), 10*per(b.calls, batches), 10*per(b.units, batches))
	}
}

func per(n, batches int) float64 { return float64(n) / float64(batches) }
