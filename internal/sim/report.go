package sim

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tally sums up many runs.
type Tally struct {
	Seeds, Signals, Effects, Requests, Steps int
	Simulated                                time.Duration
	Slowest                                  time.Duration
	Left                                     time.Duration // the slowest of the half-dead regions left DNS
	Dearest                                  uint64        // the seed that took the longest, and how long
	Took                                     time.Duration
	Struck                                   map[string]int // row → runs in which it struck
	Failed                                   []uint64       // seeds, in the order of their end
}

// Campaign runs n seeds from the first on, several at a time, until done or until one has failed.
func Campaign(first uint64, n, workers int, progress func(Tally)) Tally {
	total := Tally{Struck: map[string]int{}}
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		next = first
	)
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				if next == first+uint64(n) || len(total.Failed) > 0 { //nolint:gosec // n is a count
					mu.Unlock()
					return
				}
				seed := next
				next++
				mu.Unlock()
				began := time.Now()
				r := Run(NewPlan(seed), Options{})
				took := time.Since(began)
				mu.Lock()
				total.add(seed, r, took)
				if progress != nil {
					progress(total)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return total
}

func (t *Tally) add(seed uint64, r *Result, took time.Duration) {
	if took > t.Took {
		t.Dearest, t.Took = seed, took
	}
	t.Seeds++
	t.Signals += r.Accepted
	t.Effects += r.Effects
	t.Requests += r.Requests
	t.Steps += r.Steps
	t.Simulated += r.Simulated
	t.Slowest = max(t.Slowest, r.Slowest)
	t.Left = max(t.Left, r.Left)
	for row := range r.Struck {
		t.Struck[row]++
	}
	if r.Failed() {
		t.Failed = append(t.Failed, seed)
	}
}

// Rows are the rows of FAULTS.md that the simulator draws, in their order.
func Rows() (ids []string) {
	for _, r := range rows() {
		ids = append(ids, r.id)
	}
	return ids
}

// Coverage says in how many runs each row struck.
func (t Tally) Coverage() string {
	ids := Rows()
	for _, id := range slices.Sorted(maps.Keys(t.Struck)) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = fmt.Sprintf("%s×%d", id, t.Struck[id])
	}
	return strings.Join(parts, " ")
}

// Explain runs a plan again and writes why it failed: what was broken, the plan, the timeline.
func Explain(out io.Writer, p Plan, o Options) {
	o.Trace = true
	r := Run(p, o)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("seed %d: loop regions %s, witness %q; %d signals, %d faults", p.Seed, strings.Join(p.Loop, ", "), p.Witness, len(p.Signals), len(p.Faults))
	for _, f := range p.Faults {
		say("  %s", f)
	}
	for _, o := range p.Orders {
		say("  %s", o)
	}
	for _, s := range p.Signals[:min(len(p.Signals), 10)] {
		say("  signal %s at %s to %s: %s %s %s", s.ID, seconds(s.At), s.Input, s.Type, s.Subject, s.Data)
	}
	for _, v := range r.Violations {
		say("BROKEN %s", v)
	}
	if tail := len(r.Timeline) - maxTimeline; tail > 0 {
		say("\n(the first %d bytes are left out)\n…%s", tail, r.Timeline[tail:])
		return
	}
	say("\n%s", r.Timeline)
}

// maxTimeline bounds what is printed; what broke stands at the end.
const maxTimeline = 256 << 10
