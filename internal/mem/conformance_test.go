package mem_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
)

// clock is time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lossy is a fault that loses the answer of the next call once it is armed.
func lossy() (fault mem.Fault, arm func()) {
	var armed atomic.Bool
	return func(op mem.Op) error {
		if op.When == mem.After && armed.CompareAndSwap(true, false) {
			return looptest.ErrLost
		}
		return nil
	}, func() { armed.Store(true) }
}

func newReplicas(fault mem.Fault, now func() time.Time, immediate bool) *mem.Replicas {
	return mem.NewReplicas(mem.ReplicasConfig{
		Regions: []string{looptest.HereRegion, looptest.ThereRegion}, Now: now, Immediate: immediate, Fault: fault,
	})
}

func TestClaims(t *testing.T) {
	t.Parallel()
	looptest.Claims(t, func(*testing.T) looptest.Bench[act.Claims] {
		fault, lose := lossy()
		s := mem.NewClaims(fault)
		return looptest.Bench[act.Claims]{Here: s.In(looptest.HereRegion), There: s.In(looptest.ThereRegion), LoseAnswer: lose}
	})
}

func TestParkedClaims(t *testing.T) {
	t.Parallel()
	looptest.Parked(t, func(*testing.T) looptest.Bench[looptest.ParkedClaims] {
		fault, lose := lossy()
		s := mem.NewClaims(fault)
		return looptest.Bench[looptest.ParkedClaims]{Here: s.In(looptest.HereRegion), There: s.In(looptest.ThereRegion), LoseAnswer: lose}
	})
}

func TestControls(t *testing.T) {
	t.Parallel()
	looptest.Controls(t, func(*testing.T) looptest.Bench[looptest.ControlsStore] {
		fault, lose := lossy()
		s := mem.NewControls(fault)
		return looptest.Bench[looptest.ControlsStore]{Here: s.In(looptest.HereRegion), There: s.In(looptest.ThereRegion), LoseAnswer: lose}
	})
}

func TestRecords(t *testing.T) {
	t.Parallel()
	looptest.Records(t, func(*testing.T) looptest.Bench[observe.Records] {
		fault, lose := lossy()
		s := mem.NewRecords(fault)
		return looptest.Bench[observe.Records]{Here: s.In(looptest.HereRegion), There: s.In(looptest.ThereRegion), LoseAnswer: lose}
	})
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	looptest.Budgets(t, func(*testing.T) looptest.Bench[act.Budgets] {
		fault, lose := lossy()
		s := mem.NewLimits(fault)
		return looptest.Bench[act.Budgets]{Here: s.Budgets(looptest.HereRegion), There: s.Budgets(looptest.ThereRegion), LoseAnswer: lose}
	})
}

func TestThrottles(t *testing.T) {
	t.Parallel()
	looptest.Throttles(t, func(*testing.T) looptest.Bench[act.Throttles] {
		fault, lose := lossy()
		s := mem.NewLimits(fault)
		return looptest.Bench[act.Throttles]{Here: s.Throttles(looptest.HereRegion), There: s.Throttles(looptest.ThereRegion), LoseAnswer: lose}
	})
}

func TestEpisodes(t *testing.T) {
	t.Parallel()
	looptest.Episodes(t, func(*testing.T) looptest.Bench[decide.Episodes] {
		fault, lose := lossy()
		s := mem.NewEpisodes(fault)
		return looptest.Bench[decide.Episodes]{Here: s.In(looptest.HereRegion), There: s.In(looptest.ThereRegion), LoseAnswer: lose}
	})
}

func TestFirings(t *testing.T) {
	t.Parallel()
	looptest.Firings(t, func(*testing.T) looptest.Bench[looptest.Fired] {
		s := mem.NewEpisodes(nil)
		view := func(region string) looptest.Fired {
			return looptest.Fired{Episodes: s.In(region), Firings: s.Firings(region)}
		}
		return looptest.Bench[looptest.Fired]{Here: view(looptest.HereRegion), There: view(looptest.ThereRegion)}
	})
}

func TestClaimsTable(t *testing.T) {
	t.Parallel()
	looptest.ClaimsTable(t, func(*testing.T) looptest.Bench[looptest.Table] {
		c, e, l := mem.NewClaims(nil), mem.NewEpisodes(nil), mem.NewLimits(nil)
		view := func(region string) looptest.Table {
			return looptest.Table{
				Table: mem.NewClaimsTable(c, e, region).WithLimits(l), Claims: c.In(region), Episodes: e.In(region),
				Budgets: l.Budgets(region), Throttles: l.Throttles(region),
			}
		}
		return looptest.Bench[looptest.Table]{Here: view(looptest.HereRegion), There: view(looptest.ThereRegion)}
	})
}

func TestWindows(t *testing.T) {
	t.Parallel()
	looptest.Windows(t, func(*testing.T) looptest.Bench[decide.Windows] {
		table := newReplicas(nil, newClock().Now, false)
		return looptest.Bench[decide.Windows]{
			Here: mem.NewWindows(table, looptest.HereRegion), There: mem.NewWindows(table, looptest.ThereRegion), Replicate: table.Replicate,
		}
	})
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	looptest.Outputs(t, func(*testing.T) looptest.Bench[looptest.OutputStore] {
		fault, lose := lossy()
		table := newReplicas(fault, newClock().Now, false)
		return looptest.Bench[looptest.OutputStore]{
			Here: mem.NewOutputs(table, looptest.HereRegion), There: mem.NewOutputs(table, looptest.ThereRegion),
			Replicate: table.Replicate, LoseAnswer: lose,
		}
	})
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	looptest.Documents(t, func(*testing.T) looptest.DocumentBench {
		c := newClock()
		return looptest.DocumentBench{Store: mem.NewDocuments(newReplicas(nil, c.Now, true), looptest.HereRegion), Advance: c.Advance}
	})
}

func TestQueues(t *testing.T) {
	t.Parallel()
	looptest.Queue(t, func(*testing.T) looptest.QueueBench {
		c := newClock()
		q := mem.NewQueues(mem.QueuesConfig{Now: c.Now})
		return looptest.QueueBench{
			Queue: q.From(looptest.HereRegion), Depth: q.Depth, Advance: c.Advance,
			Receive: func(_ *testing.T, region, queue string) (msgs []loop.Message) {
				for _, d := range q.Receive(region, queue, 1000) {
					msgs = append(msgs, d.Message)
				}
				return msgs
			},
		}
	})
}

func TestObjects(t *testing.T) {
	t.Parallel()
	looptest.Objects(t, func(*testing.T) looptest.Bench[looptest.ObjectStore] {
		s := mem.NewObjects(nil)
		return looptest.Bench[looptest.ObjectStore]{Here: s, There: s}
	})
}
