package looptest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// The hazards of history and listing.

// versions are the outputs n … last of key, newest first, as they remain.
func versions(key, origin string, newest, oldest int64) (all []loop.Output) {
	for n := newest; n >= oldest; n-- {
		all = append(all, output(key, n, origin))
	}
	return all
}

func recall(t *testing.T, s OutputStore, key string) []loop.Output {
	t.Helper()
	got, err := s.History(deadline(t), key)
	must(t, err)
	return got
}

func history(t *testing.T, b Bench[OutputStore]) {
	for n := range int64(3) {
		must(t, b.Here.Write(deadline(t), output("k", n+1, HereRegion)))
		same(t, recall(t, b.Here, "k"), versions("k", HereRegion, n+1, 1))
	}
	want(t, b.Here.Write(deadline(t), output("k", 2, HereRegion)), loop.ErrFenced)
	same(t, recall(t, b.Here, "k"), versions("k", HereRegion, 3, 1))
}

func boundedHistory(t *testing.T, b Bench[OutputStore]) {
	const writes = loop.MaxOutputVersions + 3
	for n := range int64(writes) {
		must(t, b.Here.Write(deadline(t), output("k", n+1, HereRegion)))
	}
	same(t, recall(t, b.Here, "k"), versions("k", HereRegion, writes, writes-loop.MaxOutputVersions+1))
	same(t, read(t, b.Here, "k"), output("k", writes, HereRegion))
}

func repeatedHistory(t *testing.T, b Bench[OutputStore]) {
	for range 2 {
		must(t, b.Here.Write(deadline(t), output("k", 1, HereRegion)))
	}
	b.LoseAnswer()
	want(t, b.Here.Write(deadline(t), output("k", 2, HereRegion)), ErrLost)
	must(t, b.Here.Write(deadline(t), output("k", 2, HereRegion)))
	same(t, recall(t, b.Here, "k"), versions("k", HereRegion, 2, 1))
}

// Whatever was written stands in the history, whoever wrote at the same time.
func racingHistory(t *testing.T, b Bench[OutputStore]) {
	const racers = loop.MaxOutputVersions
	ctx := deadline(t)
	written := make([]bool, racers)
	race(racers, func(i int) {
		switch err := b.Here.Write(ctx, output("k", int64(i+1), HereRegion)); {
		case err == nil:
			written[i] = true
		case !isFenced(err):
			t.Errorf("write: %v", err)
		}
	})
	var all []loop.Output
	for i := racers; i > 0; i-- {
		if written[i-1] {
			all = append(all, output("k", int64(i), HereRegion))
		}
	}
	same(t, recall(t, b.Here, "k"), all)
}

func largeHistory(t *testing.T, b Bench[OutputStore]) {
	sized := func(n int64, bytes int) loop.Output {
		o := output("k", n, HereRegion)
		o.Value = json.RawMessage(`"` + strings.Repeat("ü", bytes/2-1) + `"`)
		return o
	}
	kept, large := sized(1, loop.MaxEarlierBytes), sized(2, loop.MaxEarlierBytes+2)
	must(t, b.Here.Write(deadline(t), kept))
	must(t, b.Here.Write(deadline(t), large))
	last := sized(3, loop.MaxRequestBytes)
	must(t, b.Here.Write(deadline(t), last))
	large.Value, large.Omitted = nil, true
	same(t, recall(t, b.Here, "k"), []loop.Output{last, large, kept})
	same(t, read(t, b.Here, "k"), last)
	for n := range int64(loop.MaxOutputVersions) { // as much as an item may ever hold
		o := sized(n+4, loop.MaxEarlierBytes)
		if n == loop.MaxOutputVersions-1 {
			o = sized(n+4, loop.MaxRequestBytes)
		}
		must(t, b.Here.Write(deadline(t), o))
	}
}

func mergedHistory(t *testing.T, b Bench[OutputStore]) {
	for n := range int64(4) {
		view, origin := b.Here, HereRegion
		if n%2 == 1 {
			view, origin = b.There, ThereRegion
		}
		must(t, view.Write(deadline(t), output("k", n+1, origin)))
	}
	copied := output("k", 3, ThereRegion) // the same effect, again, by the standby copy
	copied.WrittenAt = copied.WrittenAt.Add(time.Second)
	want(t, b.There.Write(deadline(t), copied), loop.ErrFenced)
	b.replicate()
	all := []loop.Output{output("k", 4, ThereRegion), output("k", 3, HereRegion), output("k", 2, ThereRegion), output("k", 1, HereRegion)}
	same(t, recall(t, b.Here, "k"), all)
	same(t, recall(t, b.There, "k"), all)
}

func noHistory(t *testing.T, b Bench[OutputStore]) {
	_, err := b.Here.History(deadline(t), "k")
	want(t, err, loop.ErrNotFound)
}

// list reads all pages.
func list(t *testing.T, s OutputStore, prefix string, limit int) (keys []string, pages int) {
	t.Helper()
	for after := ""; ; pages++ {
		page, next, err := s.List(deadline(t), prefix, after, limit)
		must(t, err)
		if len(page) > limit {
			t.Fatalf("a page of %d, asked for %d", len(page), limit)
		}
		for _, o := range page {
			keys = append(keys, o.Key)
		}
		if next == "" {
			return keys, pages + 1
		}
		if next <= after {
			t.Fatalf("the page after %q begins at %q", after, next)
		}
		after = next
	}
}

func listed(t *testing.T, b Bench[OutputStore]) {
	for i, key := range []string{"shed/b", "shed/a", "shed", "shed0", "page/a", "shed/ü", "she"} {
		must(t, b.Here.Write(deadline(t), output(key, int64(i+1), HereRegion)))
	}
	must(t, b.Here.Write(deadline(t), output("shed/a", 20, HereRegion)))
	for prefix, keys := range map[string][]string{
		"shed/": {"shed/a", "shed/b", "shed/ü"}, "shed": {"shed", "shed/a", "shed/b", "shed/ü", "shed0"}, "x": nil, "shed/a": {"shed/a"},
		"": {"page/a", "she", "shed", "shed/a", "shed/b", "shed/ü", "shed0"},
	} {
		if got, _ := list(t, b.Here, prefix, 100); !slices.Equal(got, keys) {
			t.Errorf("%q: got %q, want %q", prefix, got, keys)
		}
	}
	page, _, err := b.Here.List(deadline(t), "shed/a", "", 1)
	must(t, err)
	newest := output("shed/a", 20, HereRegion)
	newest.Value = nil // a page of values could be larger than an answer may be
	same(t, page, []loop.Output{newest})
}

func pagedList(t *testing.T, b Bench[OutputStore]) {
	var all []string
	for i := range 7 {
		all = append(all, fmt.Sprintf("p/%d", i))
		must(t, b.Here.Write(deadline(t), output(all[i], 1, HereRegion)))
	}
	for limit := 1; limit <= 8; limit++ {
		if got, _ := list(t, b.Here, "p/", limit); !slices.Equal(got, all) {
			t.Errorf("pages of %d: %q", limit, got)
		}
	}
	// A cursor that is no key, for a key may be gone.
	page, _, err := b.Here.List(deadline(t), "p/", "p/3x", 2)
	must(t, err)
	if len(page) != 2 || page[0].Key != "p/4" {
		t.Errorf("after p/3x: %+v", page)
	}
}

// One region has many keys before the only one of the other, and after it.
func mergedPages(t *testing.T, b Bench[OutputStore]) {
	all := []string{"p/0", "p/1", "p/2", "p/3", "p/4", "p/5"}
	for i, key := range all {
		view, origin := b.Here, HereRegion
		if i == 3 {
			view, origin = b.There, ThereRegion
		}
		must(t, view.Write(deadline(t), output(key, 1, origin)))
	}
	must(t, b.There.Write(deadline(t), output("p/0", 2, ThereRegion)))
	b.replicate()
	for _, view := range []OutputStore{b.Here, b.There} {
		for limit := 1; limit <= 7; limit++ {
			if got, _ := list(t, view, "p/", limit); !slices.Equal(got, all) {
				t.Errorf("pages of %d: %q", limit, got)
			}
		}
		page, _, err := view.List(deadline(t), "p/", "", 1)
		must(t, err)
		if page[0].Origin != ThereRegion || page[0].Fence != loop.EpisodeFence(2, loop.PhaseDo) {
			t.Errorf("p/0 is listed as %+v", page[0])
		}
	}
}

func listsOutputsOnly(t *testing.T, b Bench[OutputStore]) {
	must(t, b.Here.Write(deadline(t), output("a", 1, HereRegion)))
	if got, _ := list(t, b.Here, "", 10); !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q", got)
	}
	if got, _ := list(t, b.There, "out#", 10); got != nil {
		t.Errorf("%q", got)
	}
}

var _ act.Outputs = OutputStore(nil)
