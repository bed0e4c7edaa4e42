package ingest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestHTTPBodyAt1MiB(t *testing.T) {
	t.Parallel()
	body := func(n int) string {
		b := batchOf(sized(t, "1", 200<<10), sized(t, "2", 200<<10), sized(t, "3", 200<<10), sized(t, "4", 200<<10))
		return b + strings.Repeat(" ", n-len(b))
	}
	for n, ok := range map[int]bool{loop.MaxBodyBytes - 1: true, loop.MaxBodyBytes: true, loop.MaxBodyBytes + 1: false} {
		for name, r := range map[string]request{"plain": post("shop", MediaBatch, body(n)), "gzip": zipped(t, post("shop", MediaBatch, body(n)))} {
			a, _ := setup(&fakeQueue{})
			w := r.to(NewHTTP(a))
			if !ok {
				refused(t, w, 413, loop.CodeTooLarge)
			} else if got := taken(t, w); len(got.Accepted) != 4 {
				t.Errorf("%s, %d bytes: %+v", name, n, got)
			}
		}
	}
	for n, status := range map[int]int{loop.MaxSignalBytes - 1: 202, loop.MaxSignalBytes: 202, loop.MaxSignalBytes + 1: 413} {
		a, _ := setup(&fakeQueue{})
		if w := post("shop", MediaEvent, sized(t, "1", n)).to(NewHTTP(a)); w.Code != status {
			t.Errorf("an event of %d bytes: %d", n, w.Code)
		}
	}
}

// endless is a body without a length and without an end; what is read of it is counted.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }

func TestHTTPEndlessBody(t *testing.T) {
	t.Parallel()
	a, _ := setup(&fakeQueue{})
	e := &endless{}
	req := httptest.NewRequest(http.MethodPost, pathSignals+"shop", e)
	req.Header.Set("Content-Type", MediaEvent)
	w := httptest.NewRecorder()
	NewHTTP(a).ServeHTTP(w, req)
	if refused(t, w, 413, loop.CodeTooLarge); e.read > 2*loop.MaxBodyBytes {
		t.Errorf("%d bytes were read", e.read)
	}

	// A length that is announced needs no reading.
	e = &endless{}
	req = httptest.NewRequest(http.MethodPost, pathSignals+"shop", e)
	req.Header.Set("Content-Type", MediaEvent)
	req.ContentLength = loop.MaxBodyBytes + 1
	w = httptest.NewRecorder()
	NewHTTP(a).ServeHTTP(w, req)
	if refused(t, w, 413, loop.CodeTooLarge); e.read > 0 {
		t.Errorf("%d bytes were read", e.read)
	}

	// Empty members unpack to nothing, so only the packed form can bound them.
	empty := zipped(t, post("shop", MediaEvent, ""))
	empty.body = strings.Repeat(empty.body, 2<<20/len(empty.body))
	refused(t, empty.to(NewHTTP(a)), 413, loop.CodeTooLarge)
}

func TestHTTPBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	a, _ := setup(&fakeQueue{})
	for err, status := range map[error]int{io.ErrUnexpectedEOF: 400, &http.MaxBytesError{Limit: 1}: 413} {
		req := httptest.NewRequest(http.MethodPost, pathSignals+"shop", io.MultiReader(strings.NewReader("{"), broken{err}))
		req.Header.Set("Content-Type", MediaEvent)
		w := httptest.NewRecorder()
		if NewHTTP(a).ServeHTTP(w, req); w.Code != status {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
	}
}

// The one test that is not parallel: it measures what the process allocates.
func TestHTTPGzipBomb(t *testing.T) {
	bomb := zipped(t, post("shop", MediaEvent, strings.Repeat(" ", 24<<20)))
	a, _ := setup(&fakeQueue{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := bomb.to(NewHTTP(a))
	runtime.ReadMemStats(&after)
	refused(t, w, 413, loop.CodeTooLarge)
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 12<<20 {
		t.Errorf("a bomb of %d bytes cost %d", len(bomb.body), cost)
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func zipped(t testing.TB, r request) request {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, r.body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r.body = b.String()
	return r.with("Content-Encoding", "gzip")
}

func cut(r request) request { r.body = r.body[:len(r.body)-9]; return r }
