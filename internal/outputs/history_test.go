package outputs_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

func TestAHistoryIsNewestFirstAndHasATag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []outputs.Answer
	for n := range int64(5) {
		o := w.leave([]string{here, there}[n%2], "k", n+1, `{"n":`+string(rune('1'+n))+`}`)
		all = append([]outputs.Answer{{Output: o, Version: o.Version()}}, all...)
		w.advance(time.Second)
	}
	rec := w.get("/v1/outputs/k?history=3")
	if h := into[outputs.History](t, rec); h.Key != "k" || !reflect.DeepEqual(h.Versions, all[:3]) {
		t.Errorf("%+v", h)
	}
	if rec.Header().Get("Age") != "1" || rec.Header().Get("Unbroken-Region") != here {
		t.Errorf("%v", rec.Header())
	}
	tag := rec.Header().Get("ETag")
	if again := w.get("/v1/outputs/k?history=3", "If-None-Match", tag); again.Code != http.StatusNotModified {
		t.Errorf("%d", again.Code)
	}
	if longer := w.get("/v1/outputs/k?history=4", "If-None-Match", tag); longer.Code != http.StatusOK {
		t.Errorf("a longer history has the same tag")
	}
	if h := into[outputs.History](t, w.get("/v1/outputs/k?history=10")); len(h.Versions) != 5 {
		t.Errorf("%d versions", len(h.Versions))
	}
}

func TestAnEarlierValueThatWasTooLargeIsMarked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.leave(here, "k", 1, `"`+strings.Repeat("x", loop.MaxEarlierBytes)+`"`)
	w.leave(here, "k", 2, `2`)
	rec := w.get("/v1/outputs/k?history=2")
	h := into[outputs.History](t, rec)
	if len(h.Versions) != 2 || !h.Versions[1].Omitted || h.Versions[1].Value != nil || strings.Count(rec.Body.String(), `"value"`) != 1 {
		t.Errorf("%s", rec.Body)
	}
}
