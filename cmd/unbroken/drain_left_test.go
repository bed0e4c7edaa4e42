package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// operated is a loop.yaml by which only people drain.
func operated(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "loop.yaml")
	if err := os.WriteFile(file, []byte(`
health: {drain: operator}
actions: {o: {to: output, output: k}}
rules: [{id: r, match: {type: [t]}, do: [{action: o}]}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Where only people drain, what observers flipped is not read: an order may end it, and is not called as what was before.
func TestAnOrderThatMayEndWhatIsNotReadHasItsOwnName(t *testing.T) {
	t.Parallel()
	file := operated(t)
	w := healthy(t)
	w.must(t, "restore", west, "--reason", "x")
	before := w.now(t, east, west).Name()
	w.tick()
	for _, table := range []string{east, west} {
		w.cloud.put(table, region.StateKey(west), "us-east-1", region.Entry{State: region.Drained, Since: w.Now(), After: before})
	}
	w.later(time.Second)
	if code := w.run(t.Context(), "restore", west, "--reason", "x", "-c", file); code != exitOK {
		t.Fatal(w.err.String())
	}
	if e := w.now(t, east, west); e.State != region.Active || e.Name().Equal(before) {
		t.Errorf("called as the return before it: %+v", e)
	}
}
