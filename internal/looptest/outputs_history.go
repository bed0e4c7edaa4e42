package looptest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// The hazards of an output's history.

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
