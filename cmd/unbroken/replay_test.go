package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

func rows(t *testing.T, s series, text string) ([]client.Signal, *series, error) {
	t.Helper()
	if s.Field == "" {
		s.Field = "value"
	}
	s.open(strings.NewReader(text))
	var list []client.Signal
	for {
		one, err := s.next()
		if errors.Is(err, io.EOF) {
			return list, &s, nil
		}
		if err != nil {
			return list, &s, err
		}
		list = append(list, one)
	}
}

func TestRowsBecomeSignals(t *testing.T) {
	t.Parallel()
	base := series{Type: "com.example.cpu", Source: "replay/cpu", Subject: "i-1"}
	list, _, err := rows(t, base, "timestamp,value\n2014-02-14 14:27:00,51.846000000000004\n2014-02-14T15:32:00+01:00, 7\n")
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	first := list[0]
	if !first.Time.Equal(time.Date(2014, 2, 14, 14, 27, 0, 0, time.UTC)) || first.Type != base.Type || first.Source != base.Source || first.Subject != base.Subject {
		t.Errorf("%+v", first)
	}
	if string(first.Data) != `{"value":51.846000000000004}` { // the digits of the file
		t.Errorf("data %s", first.Data)
	}
	if !list[1].Time.Equal(time.Date(2014, 2, 14, 14, 32, 0, 0, time.UTC)) || list[1].Time.Location() != time.UTC {
		t.Errorf("%s", list[1].Time)
	}
	for _, s := range list { // what is sent is what the loop takes
		raw, _ := json.Marshal(s)
		if _, err := ingest.ParseEvent(raw); err != nil {
			t.Error(err)
		}
	}
}

// The id is made of the thing measured and its time: not of the value, the line or the run.
func TestIDsComeFromTheThingAndItsTime(t *testing.T) {
	t.Parallel()
	id := func(s series, text string) string {
		list, _, err := rows(t, s, text)
		if err != nil {
			t.Fatal(err)
		}
		return list[len(list)-1].ID
	}
	a := series{Type: "t", Source: "s", Subject: "x"}
	want := id(a, "2014-02-14 14:27:00,1\n")
	if want != loop.H("row", "s", "x", "2014-02-14T14:27:00Z") {
		t.Errorf("id %s", want)
	}
	for name, got := range map[string]string{
		"another value": id(a, "2014-02-14 14:27:00,2\n"), "a later line": id(a, "2014-02-14 14:22:00,1\n2014-02-14 14:27:00,1\n"),
		"RFC 3339": id(a, "2014-02-14T14:27:00Z,1\n"),
	} {
		if got != want {
			t.Errorf("%s has another id", name)
		}
	}
	b := a
	b.Subject = "y"
	if id(a, "2014-02-14 14:28:00,1\n") == want || id(b, "2014-02-14 14:27:00,1\n") == want {
		t.Error("another time or another thing has the same id")
	}
}

func TestColumnsAreFoundByName(t *testing.T) {
	t.Parallel()
	list, _, err := rows(t, series{Type: "t", Source: "s", Field: "latency_ms"}, "value,latency_ms,Timestamp\n1,2,2014-02-14 14:27:00\n")
	if err != nil || string(list[0].Data) != `{"latency_ms":2}` {
		t.Errorf("%v %v", list, err)
	}
	list, _, err = rows(t, series{Type: "t", Source: "s", Field: "x"}, "load,time\n3,2014-02-14 14:27:00\n")
	if err != nil || string(list[0].Data) != `{"x":3}` {
		t.Errorf("%v %v", list, err)
	}
}

func TestARepeatedTimeIsTheSameMeasurement(t *testing.T) {
	t.Parallel()
	list, s, err := rows(t, series{Type: "t", Source: "s"}, "2014-02-14 14:27:00,1\n2014-02-14 14:27:00,2\n2014-02-14 14:32:00,3\n")
	if err != nil || len(list) != 2 || s.Copies != 1 || string(list[0].Data) != `{"value":1}` {
		t.Errorf("%v %d %v", list, s.Copies, err)
	}
}

func TestBadRowsAreNamedByLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"timestamp,value\nyesterday,1\n":    "line 2: \"yesterday\"",
		"hello,world\n":                     "line 1: \"hello\"",
		"2014-02-14 14:27:00,much\n":        "line 1: \"much\"",
		"2014-02-14 14:27:00,NaN\n":         "cannot be written in JSON",
		"2014-02-14 14:27:00\n":             "two columns",
		"2014-02-14 14:27:00,\"1\n":         "CSV",
		"timestamp,value\n2014-13-14 1,2\n": "line 2",
	} {
		if _, _, err := rows(t, series{Type: "t", Source: "s"}, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzSeries(f *testing.F) {
	f.Add("timestamp,value\n2014-02-14 14:27:00,51.8\n")
	f.Add("value,time\n0x1p-2,2014-02-14T14:27:00Z\n")
	f.Add("a,\"b\nc\"\n,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := series{Type: "t", Source: "s", Field: "value"}
		s.open(strings.NewReader(text))
		for {
			one, err := s.next()
			if err != nil {
				return
			}
			if raw, err := json.Marshal(one); err != nil || !json.Valid(raw) {
				t.Fatalf("%q gives %s, %v", text, raw, err)
			}
		}
	})
}

// clock is a fake one: waiting moves it.
type clock struct {
	now    time.Time
	waited []time.Duration
}

func (c *clock) Now() time.Time { return c.now }
func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.waited = append(c.waited, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

func TestRowsGoAtTheirOwnPace(t *testing.T) {
	t.Parallel()
	at := func(minutes ...int) (list []client.Signal) {
		for _, m := range minutes {
			list = append(list, client.Signal{Time: testNow.Add(time.Duration(m) * time.Minute)})
		}
		return list
	}
	c := &clock{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	p := pacer{speed: 60, now: c.Now, wait: c.Wait}
	list := at(0, 5, 10, 8, 60)
	var sizes []int
	for len(list) > 0 {
		n, err := p.due(t.Context(), list, 10)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
		list = list[n:]
	}
	// 5 min at 60 times the speed are 5 s; the row that is out of order goes with the one before it.
	if len(sizes) != 4 || sizes[2] != 2 || c.waited[0] != 5*time.Second || c.waited[1] != 5*time.Second || c.waited[2] != 50*time.Second {
		t.Errorf("batches %v after waits of %v", sizes, c.waited)
	}
	// A slow send is made up for: what became due meanwhile goes together, up to the limit.
	p = pacer{speed: 1, now: c.Now, wait: c.Wait}
	list = at(0, 1, 2, 3, 4)
	if n, _ := p.due(t.Context(), list, 3); n != 1 {
		t.Errorf("%d at first", n)
	}
	c.now = c.now.Add(10 * time.Minute)
	if n, _ := p.due(t.Context(), list[1:], 3); n != 3 {
		t.Errorf("%d after a slow send", n)
	}
	// Without pace nothing waits.
	waits := len(c.waited)
	p = pacer{now: c.Now, wait: c.Wait}
	if n, _ := p.due(t.Context(), at(0, 60, 120), 10); n != 3 || len(c.waited) != waits {
		t.Errorf("%d without pace", n)
	}
}

func TestReplaySendsTheFile(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	w := newTerminal()
	w.Stdin = strings.NewReader("timestamp,value\n2014-02-14 14:27:00,1\n2014-02-14 14:27:00,9\n2014-02-14 14:32:00,2\n2014-02-14 14:37:00,3\n")
	code := w.run(t.Context(), "replay", "-", "-c", testLoop, "--as", "com.example.cpu", "--input", "replay", "--batch", "2",
		"--region", "us-east-2", "--endpoint", "us-east-2="+a.URL)
	if code != exitOK || a.requests.Load() != 2 {
		t.Fatalf("exit %d, %d requests: %s%s", code, a.requests.Load(), w.out.String(), w.err.String())
	}
	golden(t, "replay", w.out.String())
	var events []loopEvent
	if err := json.Unmarshal(<-a.bodies, &events); err != nil || events[0].Time != "2014-02-14T14:27:00Z" || events[0].Source != "replay/stdin" {
		t.Errorf("%v %+v", err, events)
	}
}

func TestReplayExplainsMaxSkew(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":"time_out_of_range","detail":"beyond max_skew"}`)
	})
	w := newTerminal()
	w.Stdin = strings.NewReader("2014-02-14 14:27:00,1\n")
	code := w.run(t.Context(), "replay", "-", "-c", testLoop, "--as", "t", "--region", "us-east-2", "--endpoint", "us-east-2="+a.URL)
	if code != exitNotAccepted || !strings.Contains(w.out.String(), "max_skew: none") {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
}

// The next batch waits until the one before is decided, so that a window sees the rows in their order.
func TestReplayInOrderWaitsForTheQueues(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	w := newTerminal()
	w.Stdin = strings.NewReader("2014-02-14 14:27:00,1\n2014-02-14 14:32:00,2\n")
	signals, waits := "us-east-2|"+loop.QueueSignals, []int32{}
	w.cloud.depth[signals] = 3
	w.Wait = func(context.Context, time.Duration) error {
		waits = append(waits, a.requests.Load())
		w.cloud.depth[signals] = (w.cloud.depth[signals] + 3) % 4 // 3, 2, 1, 0, and 3 again
		return nil
	}
	code := w.run(t.Context(), "replay", "-", "-c", testLoop, "--as", "t", "--batch", "1", "--in-order", "--endpoint", "us-east-2="+a.URL)
	if code != exitOK || !slices.Equal(waits, []int32{1, 1, 1}) {
		t.Errorf("exit %d, requests sent at each look: %v\n%s%s", code, waits, w.out.String(), w.err.String())
	}
	if code := w.run(t.Context(), "replay", "-", "-c", testLoop, "--as", "t", "--in-order", "--hedge"); code != exitUsage {
		t.Errorf("--in-order --hedge: exit %d", code)
	}
}

// A packed series is the same signals: its name is that of what is in it.
func TestAPackedSeriesIsReplayedAsItIs(t *testing.T) {
	t.Parallel()
	text := "timestamp,value\n2014-02-14 14:27:00,51.8\n2014-02-14 14:32:00,7\n"
	plain := filepath.Join(t.TempDir(), "cpu.csv")
	packed := filepath.Join(t.TempDir(), "cpu.csv.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, failed := z.Write([]byte(text))
	if err := errors.Join(failed, z.Close(), os.WriteFile(plain, []byte(text), 0o600), os.WriteFile(packed, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	var read [2][]client.Signal
	for i, file := range []string{plain, packed} {
		var err error
		if read[i], _, err = (&replayCmd{File: file, As: "com.example.cpu", Field: "value"}).read(&world{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(read[0]) != 2 || !reflect.DeepEqual(read[0], read[1]) {
		t.Errorf("%+v, packed %+v", read[0], read[1])
	}
}
