package outputs_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

func TestAnOutputIsToldWithItsAgeAndOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.leave(there, "shed/check out", 1, `{"level":"<high>"}`)
	w.advance(90*time.Second + 999*time.Millisecond)
	rec := w.get("/v1/outputs/shed/check%20out")
	a := into[outputs.Answer](t, rec)
	if want := (outputs.Answer{Output: o, Version: o.Version()}); !reflect.DeepEqual(a, want) {
		t.Errorf("got %+v, want %+v", a, want)
	}
	for name, want := range map[string]string{
		"Age": "90", "Cache-Control": "no-cache", "ETag": `"` + o.Version() + `"`, "Unbroken-Region": here,
		"Last-Modified": "Wed, 04 Mar 2026 05:06:07 GMT", "X-Content-Type-Options": "nosniff",
	} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(rec.Body.String(), `"value":{"level":"<high>"}`) || !strings.Contains(rec.Body.String(), `"contentType":"application/json"`) {
		t.Errorf("%s", rec.Body)
	}
}

func TestTheGreatestVersionOfAllRegionsIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.leave(there, "k", 9, `9`)
	w.advance(time.Second)
	w.leave(here, "k", 8, `8`) // later, but older
	if a := into[outputs.Answer](t, w.get("/v1/outputs/k")); string(a.Value) != `9` || a.Origin != there {
		t.Errorf("%+v", a)
	}
}

// A strong tag promises the same bytes, whenever and wherever it is asked.
func TestATagNamesTheBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.leave(here, "k", 1, `1`)
	first := w.get("/v1/outputs/k")
	w.advance(time.Hour)
	elsewhere := w.get("/v1/outputs/k")
	if first.Header().Get("ETag") != elsewhere.Header().Get("ETag") || first.Body.String() != elsewhere.Body.String() {
		t.Errorf("%s became %s", first.Body, elsewhere.Body)
	}
	tags := map[string]bool{first.Header().Get("ETag"): true}
	w.leave(here, "k", 2, `1`)
	tags[w.get("/v1/outputs/k").Header().Get("ETag")] = true
	w.leave(there, "k", 3, `1`)
	tags[w.get("/v1/outputs/k").Header().Get("ETag")] = true
	if len(tags) != 3 {
		t.Errorf("three versions have the tags %v", tags)
	}
}

func TestWhoHasTheNewestIsToldSoInAFewBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tag := `"` + w.leave(here, "k", 1, `1`).Version() + `"`
	for name, c := range map[string]struct {
		header []string
		status int
	}{
		"the same":           {[]string{tag}, http.StatusNotModified},
		"among others":       {[]string{`"x", ` + tag + `,"y"`}, http.StatusNotModified},
		"in a second header": {[]string{`"x"`, tag}, http.StatusNotModified},
		"weakened":           {[]string{"W/" + tag}, http.StatusNotModified},
		"any":                {[]string{"*"}, http.StatusNotModified},
		"another":            {[]string{`"x"`}, http.StatusOK},
		"without its quotes": {[]string{strings.Trim(tag, `"`)}, http.StatusOK},
		"empty":              {[]string{""}, http.StatusOK},
	} {
		var header []string
		for _, v := range c.header {
			header = append(header, "If-None-Match", v)
		}
		rec := w.get("/v1/outputs/k", header...)
		if rec.Code != c.status || rec.Header().Get("ETag") != tag || rec.Header().Get("Cache-Control") != "no-cache" || rec.Header().Get("Age") != "0" {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
		if c.status == http.StatusNotModified && rec.Body.Len() > 0 {
			t.Errorf("%s: a body of %d bytes", name, rec.Body.Len())
		}
	}
	w.leave(here, "k", 2, `2`)
	if rec := w.get("/v1/outputs/k", "If-None-Match", tag); rec.Code != http.StatusOK {
		t.Errorf("the tag of an older version: %d", rec.Code)
	}
}

func TestHeadSaysWhatGetWould(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.leave(here, "k", 1, `1`)
	get, head := w.get("/v1/outputs/k"), w.ask(http.MethodHead, "/v1/outputs/k")
	if head.Code != http.StatusOK || !reflect.DeepEqual(get.Header(), head.Header()) {
		t.Errorf("%d %v, GET has %v", head.Code, head.Header(), get.Header())
	}
	if rec := w.ask(http.MethodHead, "/v1/outputs/none"); rec.Code != http.StatusNotFound {
		t.Errorf("%d", rec.Code)
	}
}

// The clock of the region that wrote may be ahead of the one that answers.
func TestAnOutputFromTheFutureHasTheAgeZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.advance(time.Minute)
	w.leave(there, "k", 1, `1`)
	w.advance(-time.Minute)
	if age := w.get("/v1/outputs/k").Header().Get("Age"); age != "0" {
		t.Errorf("age %s", age)
	}
}

func TestKeysAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for target, key := range map[string]string{
		"/v1/outputs/a//b/":               "a//b/",
		"/v1/outputs/a/../b":              "a/../b",
		"/v1/outputs/%C3%BC%20%25":        "ü %",
		"/v1/outputs?key=what%3F%23":      "what?#",
		"/v1/outputs/?key=with%2Fhistory": "with/history",
	} {
		w.leave(here, key, 1, `1`)
		if a := into[outputs.Answer](t, w.get(target)); a.Key != key {
			t.Errorf("%s is %q", target, a.Key)
		}
	}
	if h := into[outputs.History](t, w.get("/v1/outputs?key=what%3F%23&history=1")); h.Key != "what?#" {
		t.Errorf("%+v", h)
	}
}

func TestAnUnknownKeySaysWhereToLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/v1/outputs/shed/none", "/v1/outputs/shed/none?history=3"} {
		if detail := refused(t, w.get(target), http.StatusNotFound, loop.CodeNotFound); !strings.Contains(detail, `"shed/none"`) || !strings.Contains(detail, "/v1/outputs?prefix=shed%2F ") {
			t.Errorf("%s", detail)
		}
	}
}

// DynamoDB would refuse such a key, and the answer would blame the table.
func TestAKeyThatCannotBeIsNotLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/v1/outputs/" + strings.Repeat("k", loop.MaxOutputKeyBytes+1), "/v1/outputs/%FF"} {
		refused(t, w.get(target), http.StatusNotFound, loop.CodeNotFound)
	}
	if w.reads() != 0 {
		t.Errorf("%d reads", w.reads())
	}
}

func TestATableThatDoesNotAnswerIsNotAnUnknownKey(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/v1/outputs/k", "/v1/outputs/k?history=2", "/v1/outputs?prefix=k"} {
		w := newWorld(t)
		w.fail(errors.New("the secret inside"))
		rec := w.get(target)
		if detail := refused(t, rec, http.StatusServiceUnavailable, loop.CodeUnavailable); strings.Contains(detail, "secret") || !strings.Contains(detail, "another region") {
			t.Errorf("%s", detail)
		}
		if rec.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}

// hanging is a table that never answers.
type hanging struct{ outputs.Reader }

func (hanging) Read(ctx context.Context, _ string) (loop.Output, error) {
	<-ctx.Done()
	return loop.Output{}, ctx.Err()
}

func TestATableThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.h.Reader = hanging{}
		start := time.Now()
		refused(t, w.get("/v1/outputs/k"), http.StatusServiceUnavailable, loop.CodeUnavailable)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

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

func TestQueriesThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.leave(here, "k", 1, `1`)
	for target, name := range map[string]string{
		"/v1/outputs/k?history=0": "history", "/v1/outputs/k?history=11": "history", "/v1/outputs/k?history=": "history",
		"/v1/outputs/k?history=two": "history", "/v1/outputs/k?history=1&history=2": "history", "/v1/outputs/k?histroy=1": "histroy",
		"/v1/outputs/k?%zz": "encode", "/v1/outputs/k?prefix=k": "prefix", "/v1/outputs?limit=0": "limit", "/v1/outputs?limit=101": "limit",
		"/v1/outputs?limit=-1": "limit", "/v1/outputs?prefix=a&prefix=b": "prefix", "/v1/outputs?kye=k": "kye", "/v1/outputs?key=k&limit=1": "limit",
		"/v1/outputs?prefix=%FF": "prefix", "/v1/outputs?prefix=" + strings.Repeat("k", loop.MaxOutputKeyBytes+1): "prefix",
	} {
		if detail := refused(t, w.get(target), http.StatusBadRequest, loop.CodeInvalidQuery); !strings.Contains(detail, name) {
			t.Errorf("%s: %s", target, detail)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/v1/outputs/k", "/v1/outputs", "/v1/health"} {
		rec := w.ask(http.MethodPost, target)
		refused(t, rec, http.StatusMethodNotAllowed, loop.CodeMethod)
		if rec.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("Allow: %s", rec.Header().Get("Allow"))
		}
	}
}

func TestOtherPathsSayWhatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/", "/v1", "/v1/output/k", "/v1/outputsk", "/v2/outputs/k", "/v1/healthy"} {
		if detail := refused(t, w.get(target), http.StatusNotFound, loop.CodeNotFound); !strings.Contains(detail, "/v1/outputs/{key}") {
			t.Errorf("%s: %s", target, detail)
		}
	}
}

func TestAStoredValueThatIsNoJSONIsSaidToBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.h.Reader = broken{}
	refused(t, w.get("/v1/outputs/k"), http.StatusInternalServerError, loop.CodeMalformed)
}

type broken struct{ outputs.Reader }

func (broken) Read(context.Context, string) (loop.Output, error) {
	return loop.Output{Key: "k", Value: json.RawMessage(`{`)}, nil
}
