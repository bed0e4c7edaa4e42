//go:build e2e

package e2e

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// point is one measurement of a series.
type point struct {
	at    time.Time
	value float64
}

// series reads a real CloudWatch series of the Numenta Anomaly Benchmark, where that folder lies beside the
// project, and else a series of our own that crosses the threshold again and again.
func series(t *testing.T, file string, threshold float64) []point {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "nab", file))
	if err != nil {
		t.Logf("%v: using a series of the project's own", err)
		points := make([]point, 600)
		for i := range points {
			points[i] = point{time.Date(2014, 2, 14, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 5 * time.Minute), threshold * (1 + math.Sin(float64(i)/9)/2)}
		}
		return points
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	points := make([]point, 0, len(rows))
	for _, row := range rows[1:] {
		at, err := time.Parse("2006-01-02 15:04:05", row[0])
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
		{"ec2_cpu_utilization_5f5533.csv", "com.example.ec2.cpu", "ec2-cpu", 48},
		{"rds_cpu_utilization_cc0c53.csv", "com.example.rds.cpu", "rds-cpu", 12},
	} {
		t.Run(c.rule, func(t *testing.T) { replay(t, c.file, c.typ, c.rule, c.threshold) })
	}
}

// write lays the series down as CloudWatch's own export would.
func write(t *testing.T, points []point) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("timestamp,value\n")
	for _, p := range points {
		fmt.Fprintf(&text, "%s,%s\n", p.at.Format(time.DateTime), strconv.FormatFloat(p.value, 'g', -1, 64))
	}
	path := filepath.Join(t.TempDir(), "series.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func replay(t *testing.T, file, typ, rule string, threshold float64) {
	points := series(t, file, threshold)
	want := map[string]int{}
	for _, at := range openings(points, threshold) {
		want[loop.EffectID(loop.EpisodeDecisionID(rule, file, at.UnixMilli(), loop.PhaseDo), "page")] = 1
	}
	if len(want) == 0 {
		t.Fatal("the series never crosses the threshold: the test would show nothing")
	}
	start := time.Now()
	unbroken(t, "replay", write(t, points), "--as", typ, "--source", "nab/"+file, "--subject", file,
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
