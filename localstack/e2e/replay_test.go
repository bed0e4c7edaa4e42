//go:build e2e

package e2e

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// point is one measurement of a series.
type point struct {
	at    time.Time
	value float64
}

// nab has real CloudWatch series of the Numenta Anomaly Benchmark.
var nab = filepath.Join("..", "..", "cmd", "unbroken", "testdata", "nab")

// series reads one.
func series(t *testing.T, file string) []point {
	t.Helper()
	f, err := os.Open(filepath.Join(nab, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(plain).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	points := make([]point, 0, len(rows))
	for _, row := range rows[1:] {
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			t.Fatal(err)
		}
		value, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		points = append(points, point{at, value})
	}
	return points
}

// openings is the independent calculation: an episode opens at the third value above the threshold within 20
// minutes and closes at the first value that is not above it. It knows nothing of the project's code.
func openings(points []point, threshold float64) (at []time.Time) {
	open := false
	for i, p := range points {
		if p.value <= threshold {
			open = false
			continue
		}
		hits := 0
		for j := i; j >= 0 && p.at.Sub(points[j].at) < 20*time.Minute; j-- {
			if points[j].value > threshold {
				hits++
			}
		}
		if !open && hits >= 3 {
			open, at = true, append(at, p.at)
		}
	}
	return at
}

func TestRealSeriesDecideAsAnIndependentCalculation(t *testing.T) {
	for _, c := range []struct {
		file, typ, rule string
		threshold       float64
	}{
		{"ec2_cpu_utilization_5f5533.csv.gz", "com.example.ec2.cpu", "ec2-cpu", 48},
		{"rds_cpu_utilization_cc0c53.csv.gz", "com.example.rds.cpu", "rds-cpu", 12},
	} {
		t.Run(c.rule, func(t *testing.T) { replay(t, c.file, c.typ, c.rule, c.threshold) })
	}
}

func replay(t *testing.T, file, typ, rule string, threshold float64) {
	points := series(t, file)
	want := map[string]int{}
	for _, at := range openings(points, threshold) {
		want[loop.EffectID(loop.EpisodeDecisionID(rule, file, at.UnixMilli(), loop.PhaseDo), "page")] = 1
	}
	if len(want) == 0 {
		t.Fatal("the series never crosses the threshold: the test would show nothing")
	}
	start := time.Now()
	unbroken(t, "replay", filepath.Join(nab, file), "--as", typ, "--source", "nab/"+file, "--subject", file,
		"--input", "replay", "--region", east, "--in-order", "--batch", "100")
	drained(t, 3*time.Minute, east, west)
	got, err := received(t.Context(), "/"+rule+"/")
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range got {
		if want[id] == 0 {
			t.Errorf("effect %s was delivered; the calculation knows nothing of it", id)
			continue
		}
		single(t, id, n)
	}
	if len(got) != len(want) {
		t.Errorf("%d decisions delivered, the calculation gives %d", len(got), len(want))
	}
	t.Logf("%d signals, %d episodes, in %s", len(points), len(want), time.Since(start).Round(100*time.Millisecond))
}
