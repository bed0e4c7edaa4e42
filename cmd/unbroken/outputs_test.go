package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

// version is what a region holds of a key; the greater n, the newer.
func version(key string, n int, value string) outputs.Answer {
	o := loop.Output{
		Key: key, Origin: "us-east-2", RuleID: "checkout", Fence: loop.EpisodeFence(int64(n), loop.PhaseDo), ContentType: loop.ContentJSON,
		EffectID: strings.Repeat("ab", 32), WrittenAt: time.Date(2026, 3, 4, 5, 6, n, 8e8, time.UTC),
	}
	if value != "" {
		o.Value = json.RawMessage(value)
	}
	return outputs.Answer{Output: o, Version: o.Version()}
}

// answering200 answers with body and the headers of an outputs function.
func answering200(w http.ResponseWriter, region, seconds string, body any) {
	w.Header().Set(outputs.HeaderRegion, region)
	w.Header().Set("Age", seconds)
	_ = json.NewEncoder(w).Encode(body)
}

func TestOutputsAsksTheNextRegionWhenOneIsDown(t *testing.T) {
	t.Parallel()
	const key = "shed/check out?"
	down := newAPI(t, refuseAll)
	var asked *url.URL
	up := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL
		answering200(w, "us-west-2", "3", version(key, 3, `{"level":"<high>"}`))
	})
	args := []string{"outputs", key, "-c", testLoop, "--endpoint", "us-east-2=" + down.URL, "--endpoint", "us-west-2=" + up.URL}
	w := newTerminal()
	if code := w.run(t.Context(), args...); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	// Every key as it is, spelt as it is signed.
	if asked.Path != "/v1/outputs" || asked.RawQuery != "key=shed%2Fcheck%20out%3F" {
		t.Errorf("asked for %s", asked)
	}
	golden(t, "outputs", w.out.String())
	w = newTerminal()
	w.run(t.Context(), append(args, "--json")...)
	golden(t, "outputs json", w.out.String())
}

func TestOutputsShowsAHistory(t *testing.T) {
	t.Parallel()
	var asked url.Values
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		large := version("k", 2, "")
		large.Omitted = true
		answering200(w, "us-east-2", "4", outputs.History{Key: "k", Versions: []outputs.Answer{
			version("k", 3, `{"level":"`+strings.Repeat("high", 20)+`"}`), large, version("k", 1, `"\u001b[2J"`),
		}})
	})
	args := []string{"outputs", "k", "--history", "3", "-c", testLoop, "--region", "us-east-2", "--endpoint", "us-east-2=" + a.URL}
	w := newTerminal()
	if code := w.run(t.Context(), args...); code != exitOK || asked.Get("history") != "3" || asked.Get("key") != "k" {
		t.Fatalf("exit %d, asked %v: %s", code, asked, w.err.String())
	}
	golden(t, "outputs history", w.out.String())
	w = newTerminal()
	w.run(t.Context(), append(args, "--json")...)
	golden(t, "outputs history json", w.out.String())
}

// pages are two pages of a list; the second one starts at the cursor "more".
func pages(t *testing.T) *api {
	t.Helper()
	return newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		l := outputs.List{Prefix: r.URL.Query().Get("prefix"), Items: []outputs.Answer{version("shed/a", 1, ""), version("shed/b", 2, "")}, Next: "more"}
		if r.URL.Query().Get("cursor") == "more" {
			l.Items, l.Next = []outputs.Answer{version("shed/c", 3, "")}, ""
		}
		answering200(w, "us-east-2", "", l)
	})
}

func TestOutputsListsAllPages(t *testing.T) {
	t.Parallel()
	a := pages(t)
	args := []string{"outputs", "--prefix", "shed/", "-c", testLoop, "--region", "us-east-2", "--endpoint", "us-east-2=" + a.URL}
	w := newTerminal()
	if code := w.run(t.Context(), args...); code != exitOK || w.err.Len() > 0 {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "outputs list", w.out.String())
	w = newTerminal()
	w.run(t.Context(), append(args, "--json")...)
	golden(t, "outputs list json", w.out.String())
}

func TestAListThatIsCutOffSaysSo(t *testing.T) {
	t.Parallel()
	a := pages(t)
	args := []string{"outputs", "--prefix=", "--limit", "2", "-c", testLoop, "--region", "us-east-2", "--endpoint", "us-east-2=" + a.URL}
	w := newTerminal()
	if code := w.run(t.Context(), args...); code != exitOK || !strings.Contains(w.err.String(), "more than 2 outputs") || strings.Contains(w.out.String(), "shed/c") {
		t.Errorf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	w = newTerminal()
	w.run(t.Context(), append(args, "--json")...)
	if !strings.Contains(w.out.String(), `"complete": false`) {
		t.Errorf("%s", w.out.String())
	}
}

func TestOutputsTakesAKeyOrAPrefix(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"outputs"},
		{"outputs", "k", "--prefix", "k"},
		{"outputs", "--prefix", "k", "--history", "2"},
		{"outputs", "k", "--history", "11"},
		{"outputs", "k", "--history=-1"},
		{"outputs", "--prefix", "k", "--limit", "0"},
	} {
		w := newTerminal()
		if code := w.run(t.Context(), append(args, "-c", testLoop)...); code != exitUsage || w.err.Len() == 0 {
			t.Errorf("%v: exit %d: %s", args, code, w.err.String())
		}
	}
}

func TestOutputsThatAreNotThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		code   int
	}{
		"the loop says so":                {404, `{"code":"not_found"}`, exitProblem},
		"a gateway without the route":     {404, `{"message":"Not Found"}`, exitUnreachable},
		"the question is refused":         {400, `{"code":"invalid_query","detail":"key: so and so"}`, exitProblem},
		"the region does not answer":      {503, `{"code":"unavailable"}`, exitUnreachable},
		"something else answers":          {200, `hello`, exitUnreachable},
		"something else answers in JSON":  {200, `{}`, exitUnreachable},
		"nobody who knows the credential": {403, `{}`, exitUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			w := newTerminal()
			if code := w.run(t.Context(), "outputs", "k", "-c", testLoop, "--region", "us-east-2", "--endpoint", "us-east-2="+a.URL); code != c.code {
				t.Errorf("exit %d, want %d: %s", code, c.code, w.err.String())
			}
		})
	}
}

func TestASwallowingRegionDelaysAnOutputAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTerminal()
		w.HTTP = &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "east" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"key":"k","value":1}`))}, nil
		})}
		start := time.Now()
		code := w.run(t.Context(), "outputs", "k", "-c", testLoop, "--endpoint", "us-east-2=http://east", "--endpoint", "us-west-2=http://west")
		if took := time.Since(start); code != exitOK || took != callTimeout {
			t.Errorf("exit %d after %s: %s", code, took, w.err.String())
		}
	})
}

func TestLookingForEndpointsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTerminal()
		w.cloud.dead["swallow us-east-2"], w.cloud.dead["swallow us-west-2"] = true, true
		start := time.Now()
		if code := w.run(t.Context(), "outputs", "k", "-c", testLoop); code != exitUnreachable || time.Since(start) != callTimeout {
			t.Errorf("exit %d after %s", code, time.Since(start))
		}
	})
}
