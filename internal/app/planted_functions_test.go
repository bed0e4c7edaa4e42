package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.com/unbroken/internal/app/gauge"
	"example.com/unbroken/internal/app/meter"
	"example.com/unbroken/internal/app/shelf"
	"example.com/unbroken/internal/app/targets"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/schema"
)

// TestNoFunctionWritesASecret runs whole functions, in a process of its own against services that answer and services
// that fail, and looks through all that the process writes.
func TestNoFunctionWritesASecret(t *testing.T) {
	if os.Getenv("PLANTED_ENDPOINT") != "" {
		runPlanted(t)
		return
	}
	t.Parallel()
	aws := httptest.NewServer(http.HandlerFunc(plantedAWS))
	defer aws.Close()
	endpoint, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = endpoint.Close() }()
	go plantedEndpoint(endpoint)

	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoFunctionWritesASecret$", "-test.v")
	child.Env = append(os.Environ(),
		"PLANTED_ENDPOINT="+endpoint.Addr().String(), "PLANTED_DIR="+t.TempDir(), "AWS_ENDPOINT_URL="+aws.URL, "AWS_ENDPOINT_URL_S3="+aws.URL,
		"AWS_ACCESS_KEY_ID=planted-access", "AWS_SECRET_ACCESS_KEY=planted-secret-access", "AWS_SESSION_TOKEN=planted-session",
		"AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%.4000s", err, out)
	}
	written := string(out)
	for _, want := range []string{"polled in part", `"heartbeat"`, `"function":"ingest-alarm"`, "observed in part", "canary: ", "archive: 2 again", "act: "} {
		if !strings.Contains(written, want) {
			t.Errorf("the functions do too little: no %q in\n%.8000s", want, written)
		}
	}
	for _, secret := range []string{"planted-", "Bearer", "AWS4-HMAC", "v1,"} {
		if i := strings.Index(written, secret); i >= 0 {
			t.Errorf("written: %s", written[max(0, i-300):min(len(written), i+60)])
		}
	}
}

// plantedAWS has a key in its parameter store and nothing in its table, and refuses the rest.
func plantedAWS(w http.ResponseWriter, r *http.Request) {
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "AmazonSSM."):
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"planted-key-5f1c"}}`)
	case strings.HasPrefix(target, "DynamoDB_"):
		_, _ = io.WriteString(w, `{}`)
	default:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"Refused","message":"refused"}`)
	}
}

// plantedEndpoint answers each connection worse than the one before, and repeats the key that it was asked with.
func plantedEndpoint(l net.Listener) {
	for i := 0; ; i++ {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, []string{
			"HTTP/1.1 401 planted-status\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 planted-key-5f1c\r\n\r\n",
			"planted-key-5f1c\r\n\r\n",
			"HTTP/1.1 200 OK\r\nPlanted: planted-key-5f1c\r\nContent-Length: 1000\r\n\r\nplanted-key-5f1c",
			"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"token\":planted-key-5f1c",
			"HTTP/1.1 302 Found\r\nLocation: https://example.com/planted-key-5f1c\r\n\r\n",
		}[i%6])
		_ = c.Close()
	}
}

// runPlanted is the process.
func runPlanted(t *testing.T) {
	at := os.Getenv("PLANTED_ENDPOINT")
	path := filepath.Join(os.Getenv("PLANTED_DIR"), "bundle.json")
	if err := os.Rename(packed(t, fmt.Sprintf(`
regions: {loop: [us-east-2]}
egress_allow: ["%[1]s"]
health: {heartbeat: "https://127.0.0.1:1/planted-heartbeat"}
inputs:
  alarms: {kind: alarm, expect_every: 1m}
  page: {kind: poll, url: "http://%[1]s/planted-path?token=planted-query", secret: "ssm:/key", source: page, map: {id: body.id, type: "'t'"}}
rules: [{id: r, match: {type: [t]}, do: [{step: s, action: note}]}]
actions: {note: {to: webhook, url: "http://%[1]s/planted-hook", secret: "ssm:/key"}}
`, at)), path); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	env := Environment{Region: "us-east-2", Account: "123456789012", Bundle: path, Level: "debug"}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	poll, err := IngestPoll(ctx, env, meter.New, meter.Endpoints, schema.Compile)
	must(err)
	for range 6 {
		must(poll(ctx))
	}
	alarm, err := IngestAlarm(ctx, env)
	must(err)
	for _, event := range []string{`{"token":"planted-body"}`, `"planted-body"`, `{"Records":[{"Sns":{"Message":"planted-body"}}]}`} {
		_ = alarm(ctx, json.RawMessage(event)) // nothing can be kept here
	}
	observer, err := Observer(ctx, env, CloudWatch{gauge.New, gauge.NewMetrics})
	must(err)
	must(observer(ctx))
	canary, err := Canary(ctx, env)
	must(err)
	soon, cancel := context.WithTimeout(ctx, 2*time.Second) // the second half of its minute is like the first
	defer cancel()
	fmt.Println("canary:", canary(soon))
	archive, err := Archive(ctx, env, shelf.New)
	must(err)
	item := `{"v":1,"items":[{"acceptedAt":"2026-03-04T12:00:00Z","input":"page","signal":{"specversion":"1.0","id":"1","source":"s","type":"t","data":"planted-body"}}]}`
	kept, err := archive(ctx, events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: item}, {MessageId: "2", Body: `{"token":planted-body`}}})
	must(err)
	fmt.Println("archive:", len(kept.BatchItemFailures), "again")
	act, err := Act(ctx, env, targets.All)
	must(err)
	effect, err := loop.Encode(loop.Item{AcceptedAt: time.Now(), Effect: &loop.Effect{
		ID: "e", RuleID: "r", Step: "s", Action: "note", Target: loop.TargetWebhook, Class: loop.ClassKeyed,
		Timeout: loop.Duration(time.Second), ExpireAfter: loop.Duration(time.Hour), Horizon: loop.Duration(time.Hour),
		Request: &loop.Request{Method: http.MethodPost, URL: "http://" + at + "/planted-hook", Secret: "ssm:/key", Body: "planted-body"},
	}})
	must(err)
	landed, err := act(ctx, events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: string(effect)}}})
	must(err)
	fmt.Println("act:", len(landed.BatchItemFailures), "again")
}
