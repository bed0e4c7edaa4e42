package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// api is a region's API that accepts everything, or answers as told.
type api struct {
	*httptest.Server
	requests atomic.Int32
	bodies   chan []byte
}

func newAPI(t *testing.T, h http.HandlerFunc) *api {
	t.Helper()
	a := &api{bodies: make(chan []byte, 1000)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		a.bodies <- body
		if !strings.Contains(r.Header.Get("Authorization"), "/execute-api/aws4_request") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if h != nil {
			h(w, r)
			return
		}
		acceptAll(w, body)
	}))
	t.Cleanup(a.Close)
	return a
}

func acceptAll(w http.ResponseWriter, body []byte) {
	var events []struct{ ID, Source string }
	_ = json.Unmarshal(body, &events)
	a := ingest.Answer{Copies: 2}
	for i, e := range events {
		a.Accepted = append(a.Accepted, ingest.Accepted{Index: i, ID: e.ID, Source: e.Source, Key: loop.SignalKey(e.Source, e.ID)})
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(a)
}

func refuseAll(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"code":"unavailable","detail":"drained"}`)
}

func swallow(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func event(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"t","source":"s","id":%q,"data":{"x":1}}`, id)
}

func TestSendReadsFilesArraysAndLines(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	dir := t.TempDir()
	one, many := filepath.Join(dir, "one.json"), filepath.Join(dir, "many.json")
	for path, text := range map[string]string{one: "\ufeff" + event("a"), many: "[" + event("b") + ",\n" + event("c") + "]"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newTerminal()
	w.cloud.announce("us-east-2", a.URL+"/")
	w.Stdin = strings.NewReader(event("d") + "\n" + event("e") + "\n")
	if code := w.run(t.Context(), "send", "-c", testLoop, one, many, "-"); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	var ids []string
	var events []loopEvent
	if err := json.Unmarshal(<-a.bodies, &events); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	if got := strings.Join(ids, ""); got != "abcde" || a.requests.Load() != 1 {
		t.Errorf("sent %s in %d requests", got, a.requests.Load())
	}
	golden(t, "send", w.out.String())
}

type loopEvent struct{ ID, Source, Time string }

func TestSendHedgesToTheRegionThatLives(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]struct {
		handler http.HandlerFunc
		after   string // one that refuses is followed at once, however long it takes on a busy machine
	}{"refusing": {refuseAll, "20s"}, "swallowing": {swallow, "300ms"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dead, well := newAPI(t, bad.handler), newAPI(t, nil)
			w := newTerminal()
			w.Stdin = strings.NewReader(event("a"))
			code := w.run(t.Context(), "send", "-c", testLoop, "--hedge", "--hedge-after", bad.after, "--json",
				"--endpoint", "us-east-2="+dead.URL, "--endpoint", "us-west-2="+well.URL)
			if code != exitOK {
				t.Fatalf("exit %d: %s%s", code, w.out.String(), w.err.String())
			}
			var doc struct {
				Accepted int
				Results  []struct{ Region, State, ID, File string }
			}
			if err := json.Unmarshal(w.out.Bytes(), &doc); err != nil || doc.Accepted != 1 || doc.Results[0].Region != "us-west-2" || doc.Results[0].File != "stdin" {
				t.Errorf("%v %s", err, w.out.String())
			}
			b := <-well.bodies
			select {
			case a := <-dead.bodies:
				if string(a) != string(b) {
					t.Errorf("the regions got different bytes:\n%s\n%s", a, b)
				}
			default:
				if name == "refusing" { // a request that is swallowed may be called off before it was read
					t.Error("the first region was not asked")
				}
			}
		})
	}
}

func TestSendSaysWhatWasNotAccepted(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(ingest.Answer{
			Copies:   1,
			Accepted: []ingest.Accepted{{Index: 0}}, Rejected: []ingest.Rejected{{Index: 1, Code: loop.CodeTimeOutOfRange, Detail: "12 years off\x1b[2J"}},
		})
	})
	w := newTerminal()
	w.Stdin = strings.NewReader(event("good") + event("old") + `{"specversion":"1.0","id":"unfit","source":"s"}`)
	if code := w.run(t.Context(), "send", "-c", testLoop, "--region", "us-east-2", "--endpoint", "us-east-2="+a.URL); code != exitNotAccepted {
		t.Errorf("exit %d", code)
	}
	golden(t, "send refused", w.out.String())
	if strings.Contains(w.out.String(), "\x1b") {
		t.Error("an answer can steer the terminal")
	}
}

func TestSendKeepsInTheSpoolWhatNobodyTook(t *testing.T) {
	t.Parallel()
	spool := filepath.Join(t.TempDir(), "spool")
	send := func(a *api, id string) (*terminalOf, int) {
		w := newTerminal()
		w.Stdin = strings.NewReader(event(id))
		return w, w.run(t.Context(), "send", "-c", testLoop, "--region", "us-east-2", "--endpoint", "us-east-2="+a.URL, "--timeout", "200ms", "--spool", spool)
	}
	if w, code := send(newAPI(t, refuseAll), "first"); code != exitNotAccepted {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	up := newAPI(t, nil)
	w, code := send(up, "second")
	if code != exitOK || !strings.Contains(w.err.String(), "from an earlier run: 1 of 1 accepted in us-east-2") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	if a, b := string(<-up.bodies), string(<-up.bodies); !strings.Contains(a, `"first"`) || !strings.Contains(b, `"second"`) {
		t.Errorf("sent %s and %s", a, b)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

func TestSendToOneRegionStaysThere(t *testing.T) {
	t.Parallel()
	refusing, other := newAPI(t, refuseAll), newAPI(t, nil)
	w := newTerminal()
	w.Stdin = strings.NewReader(event("a"))
	code := w.run(t.Context(), "send", "-c", testLoop, "--region", "us-east-2", "--timeout", "300ms",
		"--endpoint", "us-east-2="+refusing.URL, "--endpoint", "us-west-2="+other.URL)
	if code != exitNotAccepted || other.requests.Load() != 0 {
		t.Errorf("exit %d, the other region was asked %d times", code, other.requests.Load())
	}
}

func TestSendOverSQS(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.dead["us-east-2"] = true
	w.Stdin = strings.NewReader("[" + event("a") + "," + event("b") + "]" + event("c"))
	if code := w.run(t.Context(), "send", "-c", testLoop, "--via", "sqs"); code != exitOK {
		t.Fatalf("exit %d: %s", code, w.err.String())
	}
	sent := w.cloud.sent["us-west-2|inbox"]
	var events []loopEvent
	if len(sent) != 1 || json.Unmarshal(sent[0].Body, &events) != nil || len(events) != 3 {
		t.Fatalf("the inbox got %v", sent)
	}
	if !strings.Contains(w.out.String(), "3 of 3 queued in us-west-2") {
		t.Error(w.out.String())
	}
	// One event alone is a structured event, not a batch of one.
	w.Stdin = strings.NewReader(event("d"))
	w.run(t.Context(), "send", "-c", testLoop, "--via", "sqs")
	if sent = w.cloud.sent["us-west-2|inbox"]; len(sent) != 2 || sent[1].Body[0] != '{' {
		t.Errorf("the inbox got %v", sent)
	}
}

func TestEndpointsAreFoundWhileARegionIsDead(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, how := range []string{"us-east-2", "swallow us-east-2"} {
		w := newTerminal()
		w.cloud.dead[how] = true
		w.cloud.announce("us-east-2", "http://127.0.0.1:1")
		w.cloud.announce("us-west-2", a.URL)
		w.Stdin = strings.NewReader(event("a"))
		if code := w.run(t.Context(), "send", "-c", testLoop, "--hedge"); code != exitOK {
			t.Errorf("%s: exit %d: %s", how, code, w.err.String())
		}
	}
}

func TestProgressIsForPeopleOnly(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	for _, c := range []struct{ terminal, json, want bool }{{true, false, true}, {false, false, false}, {true, true, false}} {
		w := newTerminal()
		w.Terminal = c.terminal
		w.Stdin = strings.NewReader(event("a"))
		args := []string{"send", "-c", testLoop, "--endpoint", "us-east-2=" + a.URL, "--region", "us-east-2"}
		if c.json {
			args = append(args, "--json")
		}
		w.run(t.Context(), args...)
		if got := strings.Contains(w.err.String(), "1 of 1 events"); got != c.want {
			t.Errorf("%+v: %q", c, w.err.String())
		}
	}
}

func TestProgressNeverRunsBackwards(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := &progress{w: &out}
	p.show(5, 9, "x")
	p.show(3, 9, "x")
	if strings.Contains(out.String(), "3 of 9") {
		t.Error(out.String())
	}
}
