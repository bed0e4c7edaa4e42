package decide_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/mem"
)

// counted is Windows that count what is asked of them.
type counted struct {
	decide.Windows
	mu          sync.Mutex
	calls, most int // calls to Put and Around; the most entries that one Around gave
	entries     int
}

func (c *counted) Around(ctx context.Context, ref decide.Ref, look decide.Look) (decide.Seen, error) {
	seen, err := c.Windows.Around(ctx, ref, look)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.entries += len(seen.Entries)
	c.most = max(c.most, len(seen.Entries))
	return seen, err
}

func (c *counted) Put(ctx context.Context, ref decide.Ref, entries []decide.Entry, keep time.Duration) error {
	c.mu.Lock()
	c.calls++
	c.mu.Unlock()
	return c.Windows.Put(ctx, ref, entries, keep)
}

type overflows struct {
	deaf
	mu sync.Mutex
	n  int
}

func (o *overflows) Overflow(context.Context, string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
}

// A hot key: 1,000 signals a second of one key, in packs of 100, a quarter of an hour's windows. Each pack costs two
// reads and a write of its window and one read of its episode, however many signals the window spans; what is read
// is bounded; and it is said that the bound was hit.
func TestAHotKeyCostsNoMoreThanItsBound(t *testing.T) {
	t.Parallel()
	const perSecond, pack, seconds, bound = 1000, 100, 10, 2000
	for _, c := range []struct {
		window   string
		open     bool
		most     int // entries in one read
		overflow bool
	}{
		{"{count: 500, within: 15m", true, 500 + pack, false},
		{"{for: 15m", true, bound + pack, true}, // a run that fills the bound has held
		{"{avg: signal.data.value, over: 15m, above: 8", true, bound + pack, true},
		{"{p95: signal.data.value, over: 15m, below: 1", false, bound + pack, true},
		{"{rate: signal.data.value, over: 15m, above: 1", false, bound + pack, true},
		{"{all: [{name: a, match: {type: [a]}}, {name: b, match: {type: [b]}}], within: 15m", false, 2 * pack, false},
	} {
		t.Run(c.window, func(t *testing.T) {
			t.Parallel()
			when := "when: signal.data.value > 5.0"
			if c.window[1] == 'a' && c.window[2] == 'l' {
				when = ""
			}
			set := setOf(t, fmt.Sprintf(windowRule, when, fmt.Sprintf("%s, max_entries: %d}", c.window, bound)))
			said := &overflows{}
			r := newRegions(set, true, said)
			w := &counted{Windows: mem.NewWindows(r.tables, "a")}
			episodes := 0
			store := mem.NewEpisodes(func(op mem.Op) error {
				if op.When == mem.Before {
					episodes++
				}
				return nil
			})
			r.episodes = store
			r.handlers["a"] = r.handler(set, "a", w, store.In("a"), said)
			packs := seconds * perSecond / pack
			for p := range packs {
				var samples []sample
				for i := range pack {
					samples = append(samples, sample{id: p*pack + i, at: time.Duration(p*pack+i) * time.Second / perSecond, value: 9})
				}
				r.now = start.Add(samples[0].at)
				r.decide(t, "a", samples...)
			}
			if got := r.open(t); got != c.open {
				t.Errorf("open is %v", got)
			}
			if w.calls != 3*packs || w.most > c.most || w.entries > packs*(c.most+pack) {
				t.Errorf("%d packs took %d calls, which gave %d entries, %d at most", packs, w.calls, w.entries, w.most)
			}
			if episodes > packs+2 {
				t.Errorf("%d packs took %d calls to the episode", packs, episodes)
			}
			if (said.n > 0) != c.overflow {
				t.Errorf("the overflow was said %d times", said.n)
			}
		})
	}
}
