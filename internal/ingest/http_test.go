package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

type request struct {
	method, path, contentType, body string
	header                          http.Header
}

func post(input, contentType, body string) request {
	return request{http.MethodPost, pathSignals + input, contentType, body, nil}
}

func (r request) with(name string, values ...string) request {
	r.header = r.header.Clone()
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header[name] = values
	return r
}

func (r request) to(h http.Handler) *httptest.ResponseRecorder {
	req := httptest.NewRequest(r.method, r.path, strings.NewReader(r.body))
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// refused reads a problem and checks what every problem must say.
func refused(t *testing.T, w *httptest.ResponseRecorder, status int, code loop.Code) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d, not a problem: %s", w.Code, w.Body)
	}
	if w.Code != status || p.Status != status || p.Code != code || p.Type != ProblemPrefix+string(code) || p.Title == "" || p.Title == "Refused" ||
		p.Detail == "" || w.Header().Get("Content-Type") != MediaProblem {
		t.Errorf("got %d %s; want %d %s: %s", w.Code, w.Header().Get("Content-Type"), status, code, w.Body)
	}
	return p
}

func taken(t *testing.T, w *httptest.ResponseRecorder) Answer {
	t.Helper()
	var a Answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusAccepted {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return a
}

func TestHTTPAnswer(t *testing.T) {
	t.Parallel()
	a, _ := setup(&fakeQueue{})
	w := post("shop", MediaEvent, event("1")).to(NewHTTP(a))
	want := `{"accepted":[{"index":0,"source":"shop/checkout","id":"1","key":"` + loop.SignalKey("shop/checkout", "1") + `"}],"rejected":[],"copies":2}`
	if w.Code != http.StatusAccepted || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v: %s", w.Code, w.Header(), w.Body)
	}
}

func TestHTTPModes(t *testing.T) {
	t.Parallel()
	bin := post("shop", "application/json", `{"rate":1}`).with("Ce-Specversion", "1.0").with("Ce-Id", "1").with("Ce-Source", "shop/checkout").with("Ce-Type", "com.example.metric")
	for name, r := range map[string]request{
		"structured":             post("shop", MediaEvent, event("1")),
		"structured, charset":    post("shop", "Application/CloudEvents+JSON; charset=UTF-8", event("1")),
		"batch":                  post("shop", MediaBatch, batchOf(event("1"))),
		"binary":                 bin,
		"binary, lower case":     post("shop", "application/json", `1`).with("ce-specversion", "1.0").with("ce-id", "1").with("ce-source", "shop/checkout").with("ce-type", "x"),
		"binary, no data":        bin.with("Content-Type"),
		"gzip":                   zipped(t, post("shop", MediaEvent, event("1"))),
		"gzip by its other name": zipped(t, post("shop", MediaEvent, event("1"))).with("Content-Encoding", "X-GZIP"),
		"identity":               post("shop", MediaEvent, event("1")).with("Content-Encoding", "identity"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			a, _ := setup(q)
			if got := taken(t, r.to(NewHTTP(a))); got.Copies != 2 || len(got.Accepted) != 1 || len(got.Rejected) != 0 {
				t.Errorf("%+v", got)
			}
			if !slices.Equal(q.ids(t, ohio), []string{"1"}) {
				t.Errorf("stored %v", q.ids(t, ohio))
			}
		})
	}
}

func TestHTTPRefuses(t *testing.T) {
	t.Parallel()
	ok := post("shop", MediaEvent, event("1"))
	method := func(m string) request { r := ok; r.method = m; return r }
	path := func(p string) request { r := ok; r.path = p; return r }
	header := func(name string, values ...string) request { return ok.with(name, values...) }
	for name, tt := range map[string]struct {
		request
		status int
		code   loop.Code
	}{
		"unknown input":          {post("nobody", MediaEvent, event("1")), 404, loop.CodeUnknownInput},
		"an input of kind queue": {post("inbox", MediaEvent, event("1")), 404, loop.CodeUnknownInput},
		"no input":               {path(pathSignals), 404, loop.CodeNotFound},
		"a longer path":          {path(pathSignals + "shop/x"), 404, loop.CodeNotFound},
		"an unclean path":        {path("//v1/signals/shop"), 404, loop.CodeNotFound},
		"another path":           {path("/"), 404, loop.CodeNotFound},
		"GET":                    {method("GET"), 405, loop.CodeMethod},
		"PUT":                    {method("PUT"), 405, loop.CodeMethod},
		"OPTIONS":                {method("OPTIONS"), 405, loop.CodeMethod},
		"empty":                  {post("shop", MediaEvent, ""), 400, loop.CodeMalformed},
		"empty batch body":       {post("shop", MediaBatch, ""), 400, loop.CodeMalformed},
		"malformed":              {post("shop", MediaEvent, "{"), 400, loop.CodeMalformed},
		"a batch as one":         {post("shop", MediaEvent, batchOf(event("1"))), 400, loop.CodeMalformed},
		"one as a batch":         {post("shop", MediaBatch, event("1")), 400, loop.CodeMalformed},
		"invalid":                {post("shop", MediaEvent, event("")), 400, loop.CodeInvalidEvent},
		"specversion 0.3":        {post("shop", MediaEvent, strings.Replace(event("1"), "1.0", "0.3", 1)), 400, loop.CodeInvalidEvent},
		"reserved":               {post("shop", MediaEvent, strings.Replace(event("1"), "shop/checkout", "unbroken:x", 1)), 400, loop.CodeReserved},
		"a clock a year ahead":   {post("shop", MediaEvent, event("1", `"time":"2027-03-04T12:00:00Z"`)), 400, loop.CodeTimeOutOfRange},
		"plain JSON":             {post("shop", "application/json", event("1")), 415, loop.CodeUnsupported},
		"no content type":        {post("shop", "", event("1")), 415, loop.CodeUnsupported},
		"avro":                   {post("shop", "application/cloudevents+avro", "x"), 415, loop.CodeUnsupported},
		"avro with headers":      {post("shop", "application/cloudevents+avro", "x").with("Ce-Id", "1"), 415, loop.CodeUnsupported},
		"a longer media type":    {post("shop", "application/cloudevents+jsonx", event("1")), 415, loop.CodeUnsupported},
		"a broken media type":    {post("shop", "application/cloudevents+json; a", event("1")), 415, loop.CodeUnsupported},
		"latin-1":                {post("shop", MediaEvent+"; charset=iso-8859-1", event("1")), 415, loop.CodeUnsupported},
		"two content types":      {header("Content-Type", MediaEvent, MediaBatch), 400, loop.CodeMalformed},
		"both modes":             {header("Ce-Id", "1"), 400, loop.CodeMalformed},
		"both modes, batch":      {post("shop", MediaBatch, batchOf(event("1"))).with("ce-specversion", "1.0"), 400, loop.CodeMalformed},
		"CR in a header":         {header("X-Trace", "a\rb"), 400, loop.CodeMalformed},
		"LF in a header":         {header("X-Trace", "a\nset-cookie: x"), 400, loop.CodeMalformed},
		"NUL in a header":        {header("X-Trace", "a\x00"), 400, loop.CodeMalformed},
		"brotli":                 {header("Content-Encoding", "br"), 415, loop.CodeUnsupported},
		"gzip twice":             {header("Content-Encoding", "gzip", "gzip"), 415, loop.CodeUnsupported},
		"gzip that is none":      {header("Content-Encoding", "gzip"), 400, loop.CodeMalformed},
		"half a gzip":            {cut(zipped(t, ok)), 400, loop.CodeMalformed},
		"a batch of 10,000":      {post("shop", MediaBatch, "["+strings.Repeat(`{},`, 9_999)+"{}]"), 413, loop.CodeBatchTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			a, l := setup(q)
			w := tt.to(NewHTTP(a))
			refused(t, w, tt.status, tt.code)
			if len(q.sent) > 0 {
				t.Error("refused and stored")
			}
			if allow := w.Header().Get("Allow"); (tt.status == 405) != (allow == "POST") {
				t.Errorf("Allow: %q", allow)
			}
			if tt.status == 415 && (w.Header().Get("Accept") == "" || w.Header().Get("Accept-Encoding") != "gzip") {
				t.Error("it does not say what is accepted")
			}
			if n := l.refused["shop/"+string(tt.code)] + l.refused["/"+string(tt.code)]; n != 1 && tt.code != loop.CodeNotFound {
				t.Errorf("counted %v", l.refused)
			}
		})
	}
}

// A batch of 500 with one bad event: the others are in, and the answer says which is not.
func TestHTTPPartialBatch(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l := setup(q)
	got := taken(t, post("shop", MediaBatch, batchOf(event("1"), event(""), event("1"), event("old", `"time":"2020-01-01T00:00:00Z"`), event("5"))).to(NewHTTP(a)))
	if len(got.Accepted) != 3 || got.Accepted[1].Index != 2 || got.Accepted[2].ID != "5" || got.Copies != 2 {
		t.Errorf("accepted %+v", got)
	}
	if len(got.Rejected) != 2 || got.Rejected[0].Index != 1 || got.Rejected[0].Code != loop.CodeInvalidEvent || got.Rejected[1].Index != 3 ||
		got.Rejected[1].Code != loop.CodeTimeOutOfRange || got.Rejected[0].Detail == "" {
		t.Errorf("rejected %+v", got.Rejected)
	}
	if ids := q.ids(t, ohio); !slices.Equal(ids, []string{"1", "1", "5"}) {
		t.Errorf("stored %v", ids)
	}
	if l.accepted["shop/2"] != 3 || l.refused["shop/invalid_event"] != 1 || l.refused["shop/time_out_of_range"] != 1 {
		t.Errorf("counted %v, %v", l.accepted, l.refused)
	}
	if got := taken(t, post("shop", MediaBatch, "[]").to(NewHTTP(a))); len(got.Accepted)+len(got.Rejected)+got.Copies != 0 {
		t.Errorf("an empty batch: %+v", got)
	}
}

func TestHTTPBatchOfNothingGood(t *testing.T) {
	t.Parallel()
	a, _ := setup(&fakeQueue{})
	h := NewHTTP(a)
	p := refused(t, post("shop", MediaBatch, batchOf(event(""), event(""))).to(h), 400, loop.CodeInvalidEvent)
	if len(p.Rejected) != 2 || p.Rejected[1].Index != 1 || len(p.Accepted) != 0 {
		t.Errorf("%+v", p)
	}
	refused(t, post("shop", MediaBatch, batchOf(sized(t, "1", loop.MaxSignalBytes+1))).to(h), 413, loop.CodeTooLarge)
	refused(t, post("shop", MediaBatch, batchOf(sized(t, "1", loop.MaxSignalBytes+1), "7")).to(h), 400, loop.CodeTooLarge)
}

// No 202 while a durable copy is missing: the producer is told to send it again.
func TestHTTPUnavailable(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(string, string, int, int) error{"own": down(ohio), "peer": down(oregon), "both": down(ohio, oregon)} {
		q := &fakeQueue{fail: fail}
		a, _ := setup(q)
		w := post("shop", MediaEvent, event("1")).to(NewHTTP(a))
		if p := refused(t, w, 503, loop.CodeUnavailable); w.Header().Get("Retry-After") != "1" || strings.Contains(p.Detail, errDown.Error()) {
			t.Errorf("%s: %v %s", name, w.Header(), w.Body)
		}
	}
	// One message of several: a 202 would lose its signals to a producer that looks at the status alone.
	q := &fakeQueue{fail: func(region, _ string, _, i int) error {
		if region == oregon && i == 1 {
			return errDown
		}
		return nil
	}}
	a, _ := setup(q)
	batch := batchOf(sized(t, "1", 255<<10), sized(t, "2", 255<<10), sized(t, "3", 255<<10), sized(t, "4", 255<<10))
	p := refused(t, post("shop", MediaBatch, batch).to(NewHTTP(a)), 503, loop.CodeUnavailable)
	if len(p.Accepted) != 3 || len(p.Rejected) != 1 || p.Rejected[0].Index != 3 || p.Rejected[0].Code != loop.CodeUnavailable {
		t.Errorf("%+v", p)
	}
}

func TestHTTPSaysHowManyCopies(t *testing.T) {
	t.Parallel()
	for lost := range 2 {
		q := &fakeQueue{fail: func(region, _ string, _, i int) error {
			if region == oregon && i == lost {
				return errDown
			}
			return nil
		}}
		a, l := setup(q)
		batch := batchOf(sized(t, "1", 255<<10), sized(t, "2", 255<<10), sized(t, "3", 255<<10), sized(t, "4", 255<<10))
		if got := taken(t, post("any", MediaBatch, batch).to(NewHTTP(a))); got.Copies != 1 || len(got.Accepted) != 4 {
			t.Errorf("%+v", got)
		}
		if one := []int{3, 1}[lost]; l.accepted["any/1"] != one || l.accepted["any/2"] != 4-one {
			t.Errorf("counted %v", l.accepted)
		}
	}
}

// What is not a refusal is our own fault, and its text stays inside.
func TestForeignErrorsStayInside(t *testing.T) {
	t.Parallel()
	if r := refusal(errors.New("dynamodb: token=hunter2")); r.Code != loop.CodeUnavailable || strings.Contains(fmt.Sprint(r), "hunter2") {
		t.Errorf("%v", r)
	}
}

// Whatever arrives, while the queues are well nobody is told that we are not, and 202 means stored twice.
func FuzzHTTP(f *testing.F) {
	for _, ct := range []string{MediaEvent, MediaBatch, "application/json", "text/plain; charset=utf-8", ""} {
		f.Add(ct, "", "1", "", []byte(event("1")))
		f.Add(ct, "gzip", "", "1.0", []byte(batchOf(event("1"), event(""))))
		f.Add(ct, "", "%E2%82%AC \"q\"", "1.0", []byte(`{"a":1e400}`))
	}
	f.Fuzz(func(t *testing.T, contentType, encoding, id, version string, body []byte) {
		q := &fakeQueue{}
		a, _ := setup(q)
		r := post("any", contentType, string(body))
		if encoding != "" {
			r = r.with("Content-Encoding", encoding)
		}
		if version != "" {
			r = r.with("Ce-Specversion", version).with("Ce-Id", id).with("Ce-Source", id).with("Ce-Type", id)
		}
		w := r.to(NewHTTP(a))
		switch {
		case w.Code == http.StatusAccepted:
			if got := taken(t, w); len(got.Accepted) != len(q.ids(t, ohio)) || len(got.Accepted) != len(q.ids(t, oregon)) {
				t.Fatalf("%d accepted, %d stored", len(got.Accepted), len(q.ids(t, ohio)))
			}
		case w.Code < 400 || w.Code >= 500:
			t.Fatalf("%d: %s", w.Code, w.Body)
		default:
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code == "" || p.Status != w.Code {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
		}
	})
}
