package backtest

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"example.com/unbroken/internal/cputime"
)

// TestAMillion backtests a file of a million signals, old rules against new ones, and says what it took. It is measured
// alone, in its own process: `make backtest-bench`.
func TestAMillion(t *testing.T) {
	if os.Getenv("MILLION") == "" {
		t.Skip("a time is measured alone: run by `make backtest-bench`")
	}
	const n, most = 1_000_000, 300 << 20
	path := filepath.Join(t.TempDir(), "signals.jsonl")
	write(t, path, n)
	old, now := config(t, fmt.Sprintf(benchRules, "90.0")), config(t, fmt.Sprintf(benchRules, "92.0"))
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	defer Roomy()()
	began, used := time.Now(), cputime.Used()
	source, err := Merge([]File{{Name: path, Source: NewLines(file)}})
	if err != nil {
		t.Fatal(err)
	}
	signals, diff := 0, NewDiff(old, now, 20)
	err = Run(t.Context(), Config{
		Old: old, New: now, Source: source,
		Seen: func(s Step) error { signals += s.Signals; diff.Add(s.Old, s.New); return nil },
	})
	if err != nil || signals != n {
		t.Fatal(signals, err)
	}
	t.Logf("%d signals, two sides of three rules: %.1f s on %d cores, %.1f s of processor time, at most %d MB",
		n, time.Since(began).Seconds(), runtime.GOMAXPROCS(0), (cputime.Used() - used).Seconds(), cputime.Peak()>>20)
	if cputime.Peak() > most {
		t.Errorf("more than %d MB", most>>20)
	}
}

func write(t *testing.T, path string, n int) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	for source := newTraffic(n); ; {
		r, err := source.Next()
		if err != nil {
			break
		}
		_, _ = out.Write(append(r.Signal, '\n')) // Flush tells
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
