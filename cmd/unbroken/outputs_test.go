package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/outputs"
)

func TestOutputsAsksTheNextRegionWhenOneIsDown(t *testing.T) {
	t.Parallel()
	down := newAPI(t, refuseAll)
	var path string
	up := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		_ = json.NewEncoder(w).Encode(outputs.Answer{Age: "3.2s", Region: "us-west-2", Output: loop.Output{
			Key: "shed/check out?", Value: json.RawMessage(`{"level":"high"}`), Origin: "us-east-2", RuleID: "checkout",
			EffectID: strings.Repeat("ab", 32), WrittenAt: time.Date(2026, 3, 4, 5, 6, 3, 8e8, time.UTC),
		}})
	})
	args := []string{"outputs", "shed/check out?", "-c", testLoop, "--endpoint", "us-east-2=" + down.URL, "--endpoint", "us-west-2=" + up.URL}
	w := newTerminal()
	if code := w.run(t.Context(), args...); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	if path != "/v1/outputs/shed/check%20out%3F" {
		t.Errorf("asked for %s", path)
	}
	golden(t, "outputs", w.out.String())
	w = newTerminal()
	w.run(t.Context(), append(args, "--json")...)
	golden(t, "outputs json", w.out.String())
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
