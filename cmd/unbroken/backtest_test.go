package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const oldRules, newRules = "testdata/backtest-old.yaml", "testdata/backtest-new.yaml"

// cpuSeries is a CSV of two days: one long rise above 60 on the first, a short one above 48 on the second.
func cpuSeries() string {
	var text strings.Builder
	text.WriteString("timestamp,value\n")
	for i := range 2 * 288 {
		value := 40
		switch {
		case i >= 100 && i < 120:
			value = 70
		case i >= 400 && i < 405:
			value = 50
		}
		fmt.Fprintf(&text, "%s,%d\n", time.Date(2014, 2, 14, 0, 5*i, 0, 0, time.UTC).Format(time.DateTime), value)
	}
	return text.String()
}

// noHash takes out what changes with every field that rules get.
func noHash(text string) string {
	text = regexp.MustCompile(`\([0-9a-f]{12}\)`).ReplaceAllString(text, "(hash)")
	return regexp.MustCompile(`"hash": "[0-9a-f]{64}"`).ReplaceAllString(text, `"hash": "…"`)
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBacktestComparesTwoFiles(t *testing.T) {
	t.Parallel()
	csv := cpuSeries()
	w := newTerminal()
	w.Stdin = strings.NewReader(csv)
	args := []string{"backtest", "--rules", newRules, "--against", oldRules, "--as", "com.example.cpu", "-"}
	if code := w.run(t.Context(), args...); code != exitProblem {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "backtest", noHash(w.out.String()))
	w = newTerminal()
	w.Stdin = strings.NewReader(csv)
	if code := w.run(t.Context(), append(args, "--json")...); code != exitProblem {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "backtest json", noHash(w.out.String()))
}

func TestBacktestOfTheSameRulesIsTheSame(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.Stdin = strings.NewReader(cpuSeries())
	code := w.run(t.Context(), "backtest", "--rules", oldRules, "--against", oldRules, "--as", "com.example.cpu", "-")
	if code != exitOK || strings.Contains(w.out.String(), "difference") {
		t.Errorf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
}

func TestBacktestScoresLabels(t *testing.T) {
	t.Parallel()
	csv := written(t, "cpu.csv", cpuSeries())
	labels := written(t, "windows.json", `{"cpu.csv":[["2014-02-14 08:00:00","2014-02-14 10:00:00"],["2014-02-14 12:00:00","2014-02-14 13:00:00"]]}`)
	w := newTerminal()
	if code := w.run(t.Context(), "backtest", "--rules", oldRules, "--as", "com.example.cpu", "--labels", labels, csv); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "backtest labels", noHash(strings.ReplaceAll(w.out.String(), filepath.Dir(csv), "…")))
}

// The same signals as CSV, packed, and as JSON lines give the same decisions.
func TestBacktestReadsEveryForm(t *testing.T) {
	t.Parallel()
	csv := cpuSeries()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(csv))
	_ = z.Close()
	var lines strings.Builder
	s := series{Type: "com.example.cpu", Source: "replay/cpu", Subject: "cpu", Field: "value"}
	s.open(strings.NewReader(csv))
	for {
		one, err := s.next()
		if err != nil {
			break
		}
		raw, _ := json.Marshal(one)
		lines.Write(append(raw, '\n'))
	}
	for _, file := range []string{written(t, "cpu.csv", csv), written(t, "cpu.csv.gz", packed.String()), written(t, "cpu.jsonl", lines.String())} {
		w := newTerminal()
		code := w.run(t.Context(), "backtest", "--json", "--rules", newRules, "--against", oldRules, "--as", "com.example.cpu", file)
		var doc backtestDoc
		if err := json.Unmarshal(w.out.Bytes(), &doc); code != exitProblem || err != nil {
			t.Fatalf("%s: exit %d, %v: %s", file, code, err, w.err.String())
		}
		if r := doc.PerRule[0]; r.Signals != 576 || r.Old != 4 || r.New != 2 || r.Removed != 2 || r.Changed != 1 || doc.Differences[0].Key != "cpu" {
			t.Errorf("%s: %+v", file, doc)
		}
	}
}

func TestBacktestTellsOfWhatItLeftOut(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.Stdin = strings.NewReader(`{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"1","subject":"x","data":{"value":"much"}}
{"specversion":"1.0","type":"com.example.cpu","source":"s"}
`)
	if code := w.run(t.Context(), "backtest", "--rules", oldRules, "-"); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "backtest left out", noHash(w.out.String()))
}

func TestProgressIsDrawn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &progress{w: &out}
	p.bar(50, 100, "%s", "half")
	if !strings.Contains(out.String(), strings.Repeat("█", 15)+strings.Repeat("·", 15)+"]  50 %  half") {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	p.bar(50, 0, "%s", "of a stream")
	if !strings.Contains(out.String(), "Kof a stream") {
		t.Errorf("%q", out.String())
	}
}
