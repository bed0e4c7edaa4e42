package ingest

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
	"example.com/unbroken/internal/signature"
)

var block = regexp.MustCompile("(?s)```(yaml|http|sqs|alarm|cloudwatch|problem|json)\n(.*?)```")

// TestEveryExampleOfTheDocumentation sends the requests of docs/inputs.md to the inputs that it declares, signed where
// it says …, and wants the signals that it shows.
func TestEveryExampleOfTheDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/inputs.md")
	if err != nil {
		t.Fatal(err)
	}
	var cfg *loop.Config
	examples, pending, refusal := 0, func() *fakeQueue { return nil }, ""
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		kind, body := m[1], strings.TrimSuffix(m[2], "\n")
		switch kind {
		case "yaml":
			if cfg, err = rule.ParseWith("docs/inputs.md", []byte(body), schema.Check); err != nil {
				t.Fatal(err)
			}
		case "http":
			pending = func() *fakeQueue { return exampleRequest(t, cfg, body) }
		case "sqs":
			pending = func() *fakeQueue { return exampleMessage(t, cfg, body) }
		case "alarm":
			pending = func() *fakeQueue { return exampleAlarm(t, cfg, body) }
		case "cloudwatch":
			pending = func() *fakeQueue { return exampleMetric(t, cfg, body) }
		case "problem":
			refusal = exampleRefusal(t, cfg, body)
		case "json":
			examples++
			if refusal != "" {
				if refusal != body {
					t.Errorf("got  %s\nwant %s", refusal, body)
				}
				refusal = ""
				continue
			}
			q := pending()
			if items := q.items(t, ohio, loop.QueueSignals); len(items) != 1 || string(items[0].Signal) != body {
				t.Errorf("got  %+v\nwant %s", items, body)
			}
		}
	}
	if want := 12; examples < want {
		t.Errorf("%d examples", examples)
	}
}

func exampleAcceptor(t *testing.T, cfg *loop.Config) (*Acceptor, *fakeQueue) {
	t.Helper()
	q := &fakeQueue{}
	a, _ := setup(q)
	mappings, err := rule.CompileMappings(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if a.cfg.Schemas, err = schema.Compile(cfg); err != nil {
		t.Fatal(err)
	}
	a.cfg.Mapper, a.cfg.Secrets = mappings, exampleSecrets(cfg)
	maps.Copy(a.cfg.Inputs, cfg.Inputs)
	return a, q
}

// exampleSecrets are all the same, and none is the second of its credential.
func exampleSecrets(cfg *loop.Config) safe {
	s := safe{}
	for _, in := range cfg.Inputs {
		for _, c := range in.Credentials {
			if len(c.Secrets) > 0 {
				s[c.Secrets[0]] = whsec
			}
		}
	}
	return s
}

func exampleRequest(t *testing.T, cfg *loop.Config, text string) *fakeQueue {
	t.Helper()
	a, q := exampleAcceptor(t, cfg)
	head, body, _ := strings.Cut(text, "\n\n")
	first, rest, _ := strings.Cut(head, "\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(first + " HTTP/1.1\nHost: loop.example.com\n" + rest + "\n\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	mac := hmac.New(sha256.New, []byte(whsec))
	mac.Write([]byte(body))
	for name, value := range map[string]string{
		"Authorization": "Bearer " + whsec, "Webhook-Timestamp": signature.Timestamp(noon),
		"Webhook-Signature":   sign(whsec, r.Header.Get("Webhook-Id"), noon, body),
		"X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		if strings.HasSuffix(r.Header.Get(name), "…") {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	if NewHTTP(a).ServeHTTP(w, r); w.Code != http.StatusAccepted {
		t.Errorf("%s: %d %s", first, w.Code, w.Body)
	}
	return q
}

// exampleRefusal is what the plant is answered.
func exampleRefusal(t *testing.T, cfg *loop.Config, body string) string {
	t.Helper()
	a, q := exampleAcceptor(t, cfg)
	w := post("plant", "application/json", body).with("Authorization", "Bearer "+whsec).to(NewHTTP(a))
	if len(q.sent) > 0 {
		t.Errorf("%s was stored", body)
	}
	return w.Body.String()
}

func exampleMessage(t *testing.T, cfg *loop.Config, body string) *fakeQueue {
	t.Helper()
	a, q := exampleAcceptor(t, cfg)
	inbox, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	if failed := inbox.Handle(t.Context(), []loop.Message{{ID: "1", Body: []byte(body), SentAt: noon}}); len(failed) > 0 {
		t.Errorf("%s comes again", body)
	}
	return q
}

func exampleAlarm(t *testing.T, cfg *loop.Config, event string) *fakeQueue {
	t.Helper()
	a, q := exampleAcceptor(t, cfg)
	alarms, err := NewAlarms(a, "cloudwatch")
	if err != nil {
		t.Fatal(err)
	}
	if err := alarms.Handle(t.Context(), []byte(event)); err != nil {
		t.Error(err)
	}
	return q
}

// exampleMetric is read while the input that it stands in for is stalled.
func exampleMetric(t *testing.T, cfg *loop.Config, line string) *fakeQueue {
	t.Helper()
	a, q := exampleAcceptor(t, cfg)
	p := newPlant()
	var name, at string
	var v Value
	if _, err := fmt.Sscan(line, &name, &at, &v.Value); err != nil {
		t.Fatal(err)
	}
	v.At, _ = time.Parse(time.RFC3339, at)
	p.values[name] = []Value{v}
	if err := p.records.In(ohio).Store(t.Context(), loop.WatchedKey("shop"), loop.Watched{Stalled: true}, 0); err != nil {
		t.Fatal(err)
	}
	if err := NewPoller(a, p.records.In(ohio), p, p).Run(t.Context()); err != nil {
		t.Error(err)
	}
	return q
}
