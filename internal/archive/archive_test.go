package archive_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/archive"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

type heard struct {
	signals, failed int
}

func (h *heard) Archived(_ context.Context, _ string, n int) { h.signals += n }
func (h *heard) Failed(_ context.Context, n int, _ error)    { h.failed += n }

func message(t *testing.T, id, input string, at time.Time, signals ...string) loop.Message {
	t.Helper()
	var items []loop.Item
	for _, s := range signals {
		items = append(items, loop.Item{AcceptedAt: at, Input: input, Signal: json.RawMessage(s)})
	}
	body, err := loop.Encode(items...)
	if err != nil {
		t.Fatal(err)
	}
	return loop.Message{ID: id, Body: body}
}

func list(t *testing.T, s *mem.Objects) (keys []string) {
	t.Helper()
	for k, err := range s.Keys(t.Context(), "archive/") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

func lines(t *testing.T, s *mem.Objects, key string) []string {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func TestABatchIsOneObjectAnInputAndHour(t *testing.T) {
	t.Parallel()
	s, h := mem.NewObjects(nil), &heard{}
	stage := &archive.Handler{Region: "us-east-2", Store: s, Recorder: h}
	batch := []loop.Message{
		message(t, "a", "shop", noon.Add(time.Minute), `{"id":"1","time":"2020-01-01T00:00:00Z"}`, `{"id":"2"}`),
		message(t, "b", "shop", noon.Add(time.Second), `{"id":"3"}`),
		message(t, "c", "lab", noon, `{"id":"4"}`),
		message(t, "d", "shop", noon.Add(time.Hour), `{"id":"5"}`),
	}
	if failed := stage.Handle(t.Context(), batch); len(failed) > 0 || h.signals != 5 {
		t.Fatalf("failed %v, %d signals", failed, h.signals)
	}
	keys := list(t, s)
	if len(keys) != 3 || !strings.HasPrefix(keys[0], "archive/us-east-2/lab/2026/03/04/12/0000.000000000-") ||
		!strings.HasPrefix(keys[1], "archive/us-east-2/shop/2026/03/04/12/0001.000000000-") ||
		!strings.HasPrefix(keys[2], "archive/us-east-2/shop/2026/03/04/13/") || !strings.HasSuffix(keys[2], ".jsonl.gz") {
		t.Fatalf("%v", keys)
	}
	// What has a time keeps it; what has none was decided by when it was accepted.
	want := []string{`{"id":"1","time":"2020-01-01T00:00:00Z"}`, `{"time":"2026-03-04T12:01:00Z","id":"2"}`, `{"time":"2026-03-04T12:00:01Z","id":"3"}`}
	if got := lines(t, s, keys[1]); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	// The same batch again, in another order, is the same objects.
	slices.Reverse(batch)
	stage.Handle(t.Context(), batch)
	if again := list(t, s); !slices.Equal(again, keys) {
		t.Errorf("%v", again)
	}
}

// What cannot be stored comes again, and nothing else does.
func TestOnlyWhatIsNotStoredComesAgain(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	s, h := mem.NewObjects(mem.On(func(op mem.Op) bool { return strings.Contains(op.Key, "/lab/") }, down)), &heard{}
	stage := &archive.Handler{Region: "us-east-2", Store: s, Recorder: h}
	failed := stage.Handle(t.Context(), []loop.Message{
		message(t, "a", "shop", noon, `{"id":"1"}`), message(t, "b", "lab", noon, `{"id":"2"}`),
		{ID: "c", Body: []byte(`{"v":2,"items":[]}`)},
		{ID: "d", Body: []byte(`nonsense`)},
		{ID: "e", Body: []byte(`{"v":1,"items":[]}`)},
		message(t, "f", "lab", noon, `{"id":"3"}`),
	})
	if slices.Sort(failed); fmt.Sprint(failed) != "[b c d e f]" || h.failed != 5 || h.signals != 1 {
		t.Errorf("failed %v, heard %+v", failed, h)
	}
}
