package backtest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func readAll(t *testing.T, s Source) (out []string, err error) {
	t.Helper()
	for {
		r, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, fmt.Sprint(r.N, strings.Join(strings.Fields(string(r.Signal)), "")))
	}
}

func TestEveryFormOfEventsIsRead(t *testing.T) {
	t.Parallel()
	want := `1{"id":"1"} 2{"id":"2"} 3{"id":"3"}`
	for name, text := range map[string]string{
		"lines":             "{\"id\":\"1\"}\n\n{\"id\":\"2\"}\r\n{\"id\":\"3\"}",
		"pretty":            "{\n \"id\": \"1\"\n}\n{\n \"id\": \"2\"\n} {\"id\": \"3\"}",
		"an array":          "[{\"id\":\"1\"},{\"id\":\"2\"},\n{\"id\":\"3\"}]\n",
		"arrays":            "[{\"id\":\"1\"}]\n[{\"id\":\"2\"},{\"id\":\"3\"}]",
		"an array and more": " [\n{\"id\":\"1\"}]{\"id\":\"2\"}\n{\"id\":\"3\"}",
		"a byte order mark": "\xef\xbb\xbf{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\"}\n",
	} {
		got, err := readAll(t, NewLines(strings.NewReader(text)))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

// A recording cut off in its last line is read to there; what is no JSON from the start is an error.
func TestABrokenLineIsOneSignal(t *testing.T) {
	t.Parallel()
	got, err := readAll(t, NewLines(strings.NewReader("{\"id\":\"1\"}\n{\"id\":\"2\",\"da")))
	if err != nil || len(got) != 2 {
		t.Errorf("%v %v", got, err)
	}
	for _, text := range []string{"timestamp,value\n", "[{\"id\":", "[nonsense]", "{\n"} {
		if got, err := readAll(t, NewLines(strings.NewReader(text))); err == nil || !strings.Contains(err.Error(), "event 1: not JSON") {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
}

func TestLongLinesAreRead(t *testing.T) {
	t.Parallel()
	long := `{"id":"` + strings.Repeat("x", 200_000) + `"}`
	got, err := readAll(t, NewLines(strings.NewReader(long+"\n"+long)))
	if err != nil || len(got) != 2 || len(got[1]) != len(long)+1 {
		t.Errorf("%d events, %v", len(got), err)
	}
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"{}\n{}", "[{},[]]", "[", "{\n}", "\xef\xbb\xbf[1]2", "null\n[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := NewLines(strings.NewReader(text))
		for range len(text) + 1 {
			if _, err := l.Next(); err != nil {
				return
			}
		}
		t.Fatal("more events than bytes")
	})
}

func TestFilesAreMergedByTime(t *testing.T) {
	t.Parallel()
	at := func(minutes ...int) *List {
		var list List
		for i, m := range minutes {
			r := Record{N: i + 1}
			if m >= 0 {
				r.At = Epoch.Add(time.Duration(m) * time.Minute)
			}
			list = append(list, r)
		}
		return &list
	}
	m, err := Merge([]File{{"a", at(1, 4, 2)}, {"b", at(1, 3, -1, 9)}, {"c", at()}, {"d", at(-1)}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		r, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		got = append(got, fmt.Sprint("abcd"[r.File:r.File+1], r.N, "@", r.At.Sub(Epoch).Minutes()))
	}
	if s := strings.Join(got, " "); s != "d1@0 a1@1 b1@1 b2@3 b3@3 a2@4 a3@2 b4@9" {
		t.Error(s)
	}
	if _, err := Merge([]File{{"a.json", NewLines(strings.NewReader("x"))}}); err == nil || !strings.HasPrefix(err.Error(), "a.json: event 1") {
		t.Error(err)
	}
}
