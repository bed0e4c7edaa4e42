package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/ingest"
)

// The recorders fit the stages that declare their interfaces.
var (
	_ ingest.Observer = Ingest{}
	_ decide.Recorder = Decide{}
)

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

// output is standard output of a function.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// take returns the lines written so far, decoded, and forgets them.
func (o *output) take(t *testing.T) []map[string]any {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []map[string]any
	for line := range strings.Lines(o.buf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("not a JSON line: %q: %v", line, err)
		}
		lines = append(lines, m)
	}
	o.buf.Reset()
	return lines
}

func start(level string) (*Telemetry, *output) {
	out := &output{}
	return New(Config{
		Out: out, Function: "act", Region: "us-east-2", Level: level, Now: noon,
		Trace: func(context.Context) string { return "1-5759e988-bd862e3fe1be46a994272793" },
	}), out
}

func invocation(t *testing.T) context.Context {
	t.Helper()
	return lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
}

// has checks members of a line.
func has(t *testing.T, line map[string]any, want map[string]any) {
	t.Helper()
	for k, v := range want {
		got, err := json.Marshal(line[k])
		if err != nil {
			t.Fatal(err)
		}
		if w, _ := json.Marshal(v); string(got) != string(w) {
			t.Errorf("%s is %s, want %s in %v", k, got, w, line)
		}
	}
}
