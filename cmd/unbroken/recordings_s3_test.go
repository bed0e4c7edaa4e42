package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/archive"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

const testBucket = "ub-archive-123456789012-us-east-2"

type unrecorded struct{}

func (unrecorded) Archived(context.Context, string, int) {}
func (unrecorded) Failed(context.Context, int, error)    {}

// archived writes an archive with the function's own code: three signals of a key, a minute apart, in two hours; the
// last ones first, and one of them twice.
func (w *terminalOf) archived(t *testing.T) {
	t.Helper()
	store := mem.NewObjects(nil)
	w.cloud.buckets[testBucket] = store
	stage := &archive.Handler{Region: "us-east-2", Store: store, Recorder: unrecorded{}}
	for _, minute := range []int{61, 60, 59, 60} {
		at := testNow.Truncate(time.Hour).Add(time.Duration(minute) * time.Minute)
		body, err := loop.Encode(loop.Item{AcceptedAt: at, Input: "default", Signal: json.RawMessage(fmt.Sprintf(
			`{"specversion":"1.0","type":"com.example.cpu","source":"s","id":"%d","subject":"i-1","data":{"value":95}}`, minute))})
		if err != nil {
			t.Fatal(err)
		}
		if failed := stage.Handle(t.Context(), []loop.Message{{ID: fmt.Sprint(minute), Body: body}}); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
}

func TestBacktestReadsAnArchive(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.archived(t)
	var doc struct {
		Signals int
		PerRule []struct {
			Rule string
			New  int
		}
	}
	out := w.must(t, "backtest", "--rules", testLoop, "--json", "s3://"+testBucket+"/archive/")
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Signals != 3 || doc.PerRule[1].Rule != "cpu" || doc.PerRule[1].New != 1 {
		t.Errorf("%v: %s", err, out)
	}
	// Three hits within the window: they were read in order, with the times of their acceptance.
	if text := w.must(t, "explain", "--rules", testLoop, "--rule", "cpu", "--last", "s3://"+testBucket+"/archive/"); !strings.Contains(text, "3 hits") || !strings.Contains(text, "decides do") {
		t.Errorf("%s", text)
	}
	if text := w.must(t, "explain", "--rules", testLoop, "--rule", "cpu", "--last", "s3://"+testBucket+"/archive/us-east-2/default/2026/03/04/06"); !strings.Contains(text, "2 hits") {
		t.Errorf("an hour of it: %s", text)
	}
}

func TestAnArchiveThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	for arg, says := range map[string]string{
		"s3://":                         "names no bucket",
		"s3://" + testBucket + "/march": "nothing lies under",
		"s3://down-us-east-2/archive":   "list",
	} {
		w := newTerminal()
		w.archived(t)
		w.cloud.buckets["down-us-east-2"] = mem.NewObjects(mem.On(func(mem.Op) bool { return true }, errors.New("list refused")))
		if code := w.run(t.Context(), "backtest", "--rules", testLoop, arg); code == exitOK || !strings.Contains(w.err.String(), says) {
			t.Errorf("%s: exit %d: %s", arg, code, w.err.String())
		}
	}
}

func TestReplaySendsAnArchiveAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	w := newTerminal()
	w.archived(t)
	to := []string{"--input", "replay", "--region", "us-east-2", "--endpoint", "us-east-2=" + a.URL}
	w.must(t, append([]string{"replay", "s3://" + testBucket + "/archive/us-east-2/"}, to...)...)
	var events []struct{ Source, ID, Time string }
	if err := json.Unmarshal(<-a.bodies, &events); err != nil || len(events) != 3 || events[0].ID != "59" || events[0].Source != "s" || events[2].Time != "2026-03-04T06:01:00Z" {
		t.Errorf("%v %+v", err, events)
	}
	if err := w.cloud.buckets[testBucket].Put(t.Context(), "empty/1", nil); err != nil {
		t.Fatal(err)
	}
	if code := w.run(t.Context(), append([]string{"replay", "-c", testLoop, "s3://" + testBucket + "/empty"}, to...)...); code == exitOK || !strings.Contains(w.err.String(), "holds no signal") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	if code := w.run(t.Context(), "replay", "-c", testLoop, "cpu.csv"); code != exitUsage || !strings.Contains(w.err.String(), "--as") {
		t.Errorf("a CSV without a type: exit %d: %s", code, w.err.String())
	}
}
