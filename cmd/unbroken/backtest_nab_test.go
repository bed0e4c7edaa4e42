package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// On real series with labelled anomalies the score is that of an independent calculation: the rows sorted, the first of
// equal times kept, openings counted by hand.
func TestBacktestScoresRealSeries(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	dir := filepath.Join("testdata", "nab")
	out := w.must(t, "backtest", "--rules", filepath.Join(dir, "rules.yaml"), "--as", "cpu", "--labels", filepath.Join(dir, "windows.json"), "--json",
		filepath.Join(dir, "ec2_cpu_utilization_5f5533.csv.gz"), filepath.Join(dir, "ec2_cpu_utilization_ac20cd.csv.gz"))
	var doc struct {
		PerRule []struct {
			Rule   string
			Labels struct{ Windows, Detected, Missed, False int }
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct{ Windows, Detected, Missed, False int }{"high": {3, 1, 2, 0}, "rough": {3, 3, 0, 509}}
	for _, r := range doc.PerRule {
		if r.Labels != want[r.Rule] {
			t.Errorf("%s: %+v, want %+v", r.Rule, r.Labels, want[r.Rule])
		}
	}
	if len(doc.PerRule) != len(want) {
		t.Error(out)
	}
}
