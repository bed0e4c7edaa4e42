package looptest

import (
	"fmt"
	"slices"
	"testing"

	"example.com/unbroken/internal/loop"
)

// The hazards of listing outputs.

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
