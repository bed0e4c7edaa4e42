package backtest

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

// played runs records through one file's rules and gives all decisions in order.
func played(t *testing.T, c Config) (made []Made, steps []Step) {
	t.Helper()
	c.Seen = func(s Step) error {
		made, steps = append(made, s.New.Made...), append(steps, s)
		return nil
	}
	if err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return made, steps
}

func ids(made []Made) []string {
	out := make([]string, len(made))
	for i, m := range made {
		out[i] = fmt.Sprint(m.RuleID, " ", m.Key, " ", m.Phase, " ", m.At.UTC().Format(time.RFC3339Nano), " ", m.ID[:8])
	}
	slices.Sort(out)
	return out
}

// shuffled is traffic of which some signals come late, by up to ten minutes, some twice, and some without a time.
func shuffled(t *testing.T, n int) List {
	t.Helper()
	var list List
	for source := newTraffic(n); ; {
		r, err := source.Next()
		if err != nil {
			break
		}
		list = append(list, r)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range list {
		if j := i + r.IntN(8000); r.IntN(20) == 0 && j < len(list) {
			list[i], list[j] = list[j], list[i]
		}
		if r.IntN(50) == 0 {
			list[i] = list[max(0, i-r.IntN(500))]
		}
	}
	return list
}

// The decisions are those of decide's handler over the simulator's stores, message by message and with no cores, turns,
// shared rules or forgetting in between.
func TestDecidesAsTheSimulator(t *testing.T) {
	t.Parallel()
	cfg := config(t, fmt.Sprintf(benchRules, "60.0"))
	list := shuffled(t, 9_000)

	var want []Made
	clock := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	set, err := rule.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tables := mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a"}, Now: clock, Immediate: true})
	queues := mem.NewQueues(mem.QueuesConfig{Now: clock})
	seen := &recorder{visit: &visit{at: map[string]transition{}}}
	h := decide.New(decide.Config{
		Region: "a", Set: set, Queue: queues.From("a"), Now: clock, Recorder: seen, Backoff: func(int) time.Duration { return 0 },
		Windows: mem.NewWindows(tables, "a"), Episodes: noted{mem.NewEpisodes(nil).In("a"), seen.visit},
	})
	for batch := range slices.Chunk(list, batchSize) {
		b := batch
		items := make([]loop.Item, len(b))
		for i, r := range b {
			items[i] = loop.Item{AcceptedAt: r.At, Input: "0", Signal: r.Signal}
		}
		body, err := loop.Encode(items...)
		if err != nil {
			t.Fatal(err)
		}
		if failed := h.Handle(t.Context(), []loop.Message{{ID: "1", Body: body}}); len(failed) > 0 {
			t.Fatal("not decided")
		}
	}
	want = seen.out.Made

	for _, workers := range []int{1, 8} {
		source := slices.Clone(list)
		got, _ := played(t, Config{Old: config(t, fmt.Sprintf(benchRules, "61.0")), New: cfg, Source: &source, Workers: workers})
		if !slices.Equal(ids(got), ids(want)) {
			t.Errorf("%d workers: %d decisions, the simulator makes %d", workers, len(got), len(want))
		}
	}
	if len(want) < 500 || len(seen.out.Late) == 0 {
		t.Errorf("%d decisions, %d late: the traffic shows nothing", len(want), len(seen.out.Late))
	}
}

type recorder struct{ *visit }

// noted is the simulator's episodes, overheard.
type noted struct {
	decide.Episodes
	visit *visit
}

func (n noted) Put(ctx context.Context, e decide.Episode) error {
	n.visit.transitions(e.Transitions)
	return n.Episodes.Put(ctx, e)
}

// series is a value every five minutes that crosses 48 again and again.
func series(n int) List {
	list := make(List, n)
	for i := range list {
		at := time.Date(2014, 2, 14, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 5 * time.Minute)
		list[i] = Record{N: i + 1, At: at, Signal: fmt.Appendf(nil,
			`{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"%d","subject":"i-1","time":%q,"data":{"value":%g}}`,
			i, at.Format(time.RFC3339), value(i))}
	}
	return list
}

func value(i int) float64 { return 48 * (1 + math.Sin(float64(i)/9)/2 + math.Sin(float64(i))/3) }

// The independent calculation knows nothing of the project's code: open at the third value above 48 within 15 minutes,
// closed by one that is not.
func TestDecidesAsAnIndependentCalculation(t *testing.T) {
	t.Parallel()
	list := series(2000)
	var want []time.Time
	open := false
	for i, r := range list {
		if value(i) <= 48 {
			open = false
			continue
		}
		hits := 0
		for j := i; j >= 0 && r.At.Sub(list[j].At) < 15*time.Minute; j-- {
			if value(j) > 48 {
				hits++
			}
		}
		if !open && hits >= 3 {
			open, want = true, append(want, r.At)
		}
	}
	made, _ := played(t, Config{New: config(t, fmt.Sprintf(benchRules, "48.0")), Source: &list})
	var got []time.Time
	for _, m := range made {
		if m.Phase == loop.PhaseDo {
			got = append(got, m.At)
		}
	}
	if len(want) < 20 || !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("%d openings, the calculation has %d", len(got), len(want))
	}
}

func TestWhatIngestRefusesIsLeftOut(t *testing.T) {
	t.Parallel()
	list := List{
		{N: 1, At: Epoch, Signal: []byte(`{"id":"1"}`)},
		{N: 2, At: Epoch, Signal: []byte(`nonsense`)},
		{N: 3, At: Epoch, Signal: []byte(`{"specversion":"1.0","type":"com.example.deploy.failed","source":"s","id":"1","subject":"x"}`)},
	}
	made, steps := played(t, Config{New: config(t, fmt.Sprintf(benchRules, "1.0")), Source: &list})
	if len(made) != 1 || len(steps[0].Refused) != 2 || steps[0].Refused[1].N != 2 || steps[0].Refused[1].Code != loop.CodeMalformed {
		t.Errorf("%d decisions, refused %+v", len(made), steps[0].Refused)
	}
}

func TestAFailingRuleIsToldAndStopsNothing(t *testing.T) {
	t.Parallel()
	list := List{{At: Epoch, Signal: []byte(`{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"1","subject":"x","data":{"value":"much"}}`)}}
	_, steps := played(t, Config{New: config(t, fmt.Sprintf(benchRules, "1.0")), Source: &list})
	if f := steps[0].New.Failed; len(f) != 1 || f[0].Rule != "cpu" || f[0].Code != loop.CodeRuleFailed {
		t.Errorf("failed %+v", f)
	}
}

type broken struct{ after int }

func (b *broken) Next() (Record, error) {
	if b.after--; b.after < 0 {
		return Record{}, io.ErrClosedPipe
	}
	return series(1)[0], nil
}

func TestARunEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	cfg := config(t, fmt.Sprintf(benchRules, "1.0"))
	if err := Run(t.Context(), Config{New: cfg, Source: &broken{10_000}, Seen: func(Step) error { return nil }}); err != io.ErrClosedPipe { //nolint:errorlint // as it is
		t.Errorf("a broken source: %v", err)
	}
	list := series(10_000)
	if err := Run(t.Context(), Config{New: cfg, Source: &list, Seen: func(Step) error { return io.ErrShortWrite }}); err != io.ErrShortWrite { //nolint:errorlint // as it is
		t.Errorf("a reader that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	list = series(10_000)
	err := Run(ctx, Config{New: cfg, Source: &list, Seen: func(Step) error { cancel(); return nil }})
	if ctx.Err() == nil || err == nil {
		t.Errorf("interrupted: %v", err)
	}
}
