package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func TestStatusShowsWhichInputsAreStalled(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "loop.yaml")
	if err := os.WriteFile(file, []byte(`
regions: {loop: [us-east-2, us-west-2], witness: us-east-1}
inputs:
  free: {kind: http}
  fresh: {kind: http, expect_every: 1m}
  load: {kind: http, expect_every: 1m, standby: free}
  lone: {kind: http, expect_every: 1m}
  well: {kind: http, expect_every: 1m, standby: free}
actions: {o: {to: output, output: k}}
rules: [{id: r, match: {type: [t]}, do: [{action: o}]}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := healthy(t)
	for _, one := range []loop.Watched{
		{Input: "load", Stalled: true, N: 3, Since: testNow.Add(-9 * time.Minute), Began: testNow.Add(-time.Hour), Steady: testNow.Add(-2 * time.Minute), Silent: []string{"us-west-2"}},
		{Input: "lone", Stalled: true, N: 1, Since: testNow.Add(-time.Minute), Began: testNow.Add(-time.Hour), Silent: []string{"us-east-2", "us-west-2"}},
		{Input: "well", N: 2, Since: testNow.Add(-3 * time.Hour), Began: testNow.Add(-5 * time.Hour)},
	} {
		if err := w.cloud.records.In("us-east-2").Store(t.Context(), loop.WatchedKey(one.Input), one, 0); err != nil {
			t.Fatal(err)
		}
	}
	if code := w.run(t.Context(), "status", "-c", file); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "status inputs", steady(w.out.String()))

	w.cloud.mu.Lock() // the region that was not waited for may still be asked
	w.cloud.dead["us-east-2"], w.cloud.dead["us-west-2"] = true, true
	w.cloud.mu.Unlock()
	w.out.Reset()
	w.run(t.Context(), "status", "-c", file)
	golden(t, "status inputs dead", steady(w.out.String()))
}
