package ingest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// day is one run of a region's `signals` queue in virtual time: quiet inputs send now and then, one may flood, and a
// bounded number of invocations takes what comes, ten messages at a time.
type day struct {
	now       time.Time
	random    *rand.Rand
	queues    *mem.Queues
	acceptor  *Acceptor
	latencies []time.Duration // of the quiet inputs, from acceptance to the end of the invocation
}

const (
	invocations = 50                     // at once, as many as a mapping has by default
	takes       = 40 * time.Millisecond  // an invocation, whatever it handles, and up to half as much more
	takesMore   = 500 * time.Microsecond // for each message
	quiets      = 5
	flood       = "flood"
)

func quiet(i int) string { return fmt.Sprintf("quiet-%d", i) }

func newDay(seed uint64) *day {
	d := &day{now: noon, random: rand.New(rand.NewPCG(seed, 0))}
	now := func() time.Time { return d.now }
	d.queues = mem.NewQueues(mem.QueuesConfig{Now: now, Visibility: time.Minute})
	inputs := map[string]loop.Input{flood: {Kind: loop.KindHTTP, Durability: loop.Regional}}
	for i := range quiets {
		inputs[quiet(i)] = loop.Input{Kind: loop.KindHTTP, Durability: loop.Regional}
	}
	d.acceptor = New(Config{Region: ohio, Queue: d.queues, Now: now, Inputs: inputs})
	return d
}

func (d *day) accept(t *testing.T, input string, n int) {
	t.Helper()
	for range n {
		s := loop.Signal{ID: fmt.Sprint(d.random.Uint64()), Source: "shop/" + input, Type: "com.example.metric"}
		if r := d.acceptor.Accept(t.Context(), input, []Arrival{{Signal: s}})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// run lets 700 ms pass, one at a time; rate is how much the flood brings in each from the 100th to the 500th, and of what
// is accepted in these the latency is measured.
func (d *day) run(t *testing.T, rate int, as string) {
	t.Helper()
	var busy [invocations]time.Time
	hands := [invocations][]mem.Delivery{}
	for ms := range 700 {
		d.now = noon.Add(time.Duration(ms) * time.Millisecond)
		for i := range quiets {
			if d.random.IntN(10) == 0 { // a hundred a second each
				d.accept(t, quiet(i), 1)
			}
		}
		if ms >= 100 && ms < 500 {
			d.accept(t, as, rate)
		}
		for i := range invocations {
			if d.now.Before(busy[i]) {
				continue
			}
			d.finish(t, hands[i], busy[i])
			hands[i] = d.queues.Receive(ohio, loop.QueueSignals, 10)
			busy[i] = time.Time{}
			if len(hands[i]) > 0 {
				busy[i] = d.now.Add(takes + time.Duration(d.random.Int64N(int64(takes/2))) + time.Duration(len(hands[i]))*takesMore)
			}
		}
	}
}

func (d *day) finish(t *testing.T, done []mem.Delivery, at time.Time) {
	t.Helper()
	for _, m := range done {
		var e loop.Envelope
		if err := json.Unmarshal(m.Body, &e); err != nil {
			t.Fatal(err)
		}
		accepted := e.Items[0].AcceptedAt
		if since := accepted.Sub(noon); e.Items[0].Input != flood && since >= 100*time.Millisecond && since < 500*time.Millisecond {
			d.latencies = append(d.latencies, at.Sub(accepted))
		}
		d.queues.Ack(ohio, loop.QueueSignals, m.Receipt)
	}
}

func (d *day) quantile(q float64) time.Duration {
	slices.Sort(d.latencies)
	return d.latencies[int(q*float64(len(d.latencies)-1))]
}

// FAULTS 16. Ingest gives every message its input for a group, and SQS's fair queues, whose documented rules the queue in
// memory has, deliver quiet groups first: twice of what the invocations can take, through one input, leaves the others
// their latency.
func TestAFloodThroughOneInputLeavesTheOthersTheirLatency(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		calm, flooded, mixed := newDay(seed), newDay(seed), newDay(seed)
		calm.run(t, 0, flood)
		flooded.run(t, 18, flood)
		mixed.run(t, 18, quiet(0)) // the same flood, by one that is counted among the others
		for _, q := range []float64{0.5, 0.99} {
			before, during := calm.quantile(q), flooded.quantile(q)
			t.Logf("seed %d: p%g %s without and %s with the flood", seed, 100*q, before, during)
			if float64(during) > 1.5*float64(before) {
				t.Errorf("seed %d: p%g grew from %s to %s", seed, 100*q, before, during)
			}
		}
		// Were it not a flood for this queue, the test would show nothing.
		if own := mixed.quantile(0.99); own < 3*calm.quantile(0.99) {
			t.Errorf("seed %d: the flood itself waits %s only", seed, own)
		}
	}
}
