package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// healthy is a world in which nothing needs a person.
func healthy(t *testing.T) *terminalOf {
	t.Helper()
	ok := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/health" || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(ok.Close)
	w := newTerminal()
	for _, name := range []string{"us-east-2", "us-west-2"} {
		w.cloud.announce(name, ok.URL)
		for _, table := range []string{"us-east-2", "us-west-2"} {
			for _, observer := range []string{"us-east-2", "us-west-2", "us-east-1"} {
				w.cloud.put(table, region.VerdictKey(name), observer, observe.Verdict{
					Region: name, Observer: observer, At: testNow.Add(-40 * time.Second), Healthy: true,
					Checks: []observe.Check{{Name: "endpoint", State: observe.OK, Votes: true}},
				})
			}
		}
	}
	return w
}

var port = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func steady(text string) string { return port.ReplaceAllString(text, "127.0.0.1:PORT") }

func TestStatusOfAWholeLoop(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	if code := w.run(t.Context(), "status", "-c", testLoop); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "status", steady(w.out.String()))
}

// A verdict from the future counts for nobody, and must not look as if it did.
func TestAnObserverWhoseClockIsWrongIsNotHealthy(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]bool{region.Fresh: false, region.Fresh + time.Second: true} {
		w := healthy(t)
		for _, table := range []string{"us-east-2", "us-west-2"} {
			w.cloud.put(table, region.VerdictKey("us-west-2"), "us-east-1", observe.Verdict{
				Region: "us-west-2", Observer: "us-east-1", At: testNow.Add(ahead), Healthy: true,
			})
		}
		w.run(t.Context(), "status", "-c", testLoop)
		if got := w.out.String(); strings.Contains(got, "silent (stale)") != want || strings.Contains(got, "a clock that is 2m31s ahead") != want {
			t.Errorf("%s ahead: %s", ahead, got)
		}
	}
}

func TestStatusWhileARegionIsDead(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.cloud.dead["us-east-2"] = true
	w.cloud.announce("us-east-2", "http://127.0.0.1:1")
	w.cloud.depth["us-west-2|signals"] = 12
	w.cloud.depth["us-west-2|signals-dlq"] = 1
	w.cloud.off["us-west-2|decide"] = true
	w.cloud.put("us-west-2", region.VerdictKey("us-east-2"), "us-west-2", observe.Verdict{
		Region: "us-east-2", Observer: "us-west-2", At: testNow.Add(-10 * time.Second),
		Checks: []observe.Check{{Name: "endpoint", State: observe.Bad, Votes: true, Detail: "timed\nout"}},
	})
	w.cloud.put("us-west-2", region.VerdictKey("us-west-2"), "us-east-1", observe.Verdict{
		Region: "us-west-2", Observer: "us-east-1", At: testNow.Add(-10 * time.Minute), Healthy: true,
	})
	if code := w.run(t.Context(), "status", "-c", testLoop); code != exitUnreachable || !strings.Contains(w.err.String(), "cannot be reached: us-east-2") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	golden(t, "status dead", steady(w.out.String()))
	w.out.Reset()
	w.err.Reset()
	if code := w.run(t.Context(), "status", "-c", testLoop, "--json"); code != exitUnreachable || w.err.Len() > 0 {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	var s status
	if err := json.Unmarshal(w.out.Bytes(), &s); err != nil || s.Regions[0].Reachable || !s.Regions[1].Reachable || len(s.Attention) == 0 {
		t.Errorf("%v %s", err, w.out.String())
	}
}

type answering func(*http.Request) (*http.Response, error)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A region that swallows what it is sent costs the bound of one question, not that of each in turn.
func TestStatusIsBoundedWhileARegionSwallows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTerminal()
		w.HTTP = &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "east" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		})}
		w.cloud.announce("us-east-2", "http://east")
		w.cloud.announce("us-west-2", "http://west")
		w.cloud.dead["swallow us-east-2"] = true
		start := time.Now()
		if code := w.run(t.Context(), "status", "-c", testLoop); code != exitUnreachable {
			t.Errorf("exit %d: %s", code, w.err.String())
		}
		if took := time.Since(start); took > 2*callTimeout { // the region's services, then its endpoint
			t.Errorf("took %s", took)
		}
		if !strings.Contains(w.out.String(), "us-east-2 does not answer") || !strings.Contains(w.out.String(), "no answer within 3s") {
			t.Error(w.out.String())
		}
	})
}

func TestStatusSaysWhoIsSilent(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	for k := range w.cloud.docs {
		if strings.HasSuffix(k, "|us-east-1") {
			delete(w.cloud.docs, k)
		}
	}
	w.cloud.put("us-east-2", region.VerdictKey("us-east-2"), "mars", observe.Verdict{Region: "us-east-2", Observer: "mars", At: testNow})
	w.run(t.Context(), "status", "-c", testLoop)
	for _, want := range []string{"observer us-east-1 has never reported on us-west-2", "observer mars is not in loop.yaml"} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("no %q in\n%s", want, w.out.String())
		}
	}
}

// Of the copies of one observer's verdict in two tables the newer one is its last word.
func TestTheNewestVerdictCounts(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"us-east-2", "us-west-2"} {
		w := healthy(t)
		w.cloud.put(table, region.VerdictKey("us-east-2"), "us-east-1", observe.Verdict{Region: "us-east-2", Observer: "us-east-1", At: testNow})
		w.run(t.Context(), "status", "-c", testLoop)
		if !strings.Contains(w.out.String(), "observer us-east-1 objects to us-east-2") {
			t.Errorf("the newer verdict in %s is not seen", table)
		}
	}
}

func TestStatusTellsDrainedFromDead(t *testing.T) {
	t.Parallel()
	drained := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(drained.Close)
	w := healthy(t)
	w.cloud.dead["us-east-2"] = true // its services cannot be asked from here; its endpoint answers
	if code := w.run(t.Context(), "status", "-c", testLoop, "--endpoint", "us-east-2="+drained.URL); code != exitOK {
		t.Errorf("exit %d", code)
	}
	if !strings.Contains(w.out.String(), "us-east-2: the endpoint is unavailable") {
		t.Error(w.out.String())
	}
}

// What is deployed for declared inputs only is shown where they are declared.
func TestStatusShowsWhatInputsAreDeclaredFor(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "loop.yaml")
	if err := os.WriteFile(file, []byte(`
inputs:
  alarms: {kind: alarm}
  kept: {kind: http, archive: true}
  page: {kind: poll, url: "https://status.example.com/", source: status, map: {id: body.id, type: "'t'"}}
actions: {o: {to: output, output: k}}
rules: [{id: r, match: {type: [t]}, do: [{action: o}]}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := healthy(t)
	w.cloud.depth["us-west-2|archive-dlq"] = 2
	w.cloud.off["us-east-2|archive"] = true
	if code := w.run(t.Context(), "status", "-c", file); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	golden(t, "status declared", steady(w.out.String()))
}
