package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/rule"
)

// startLimit is from exec to the first poll of the runtime API, with 100 rules: what a cold start adds to a signal's
// way beyond Lambda's own part.
const startLimit = 25 * time.Millisecond

func TestTheFirstPollComesSoon(t *testing.T) {
	if os.Getenv("START") == "" {
		t.Skip("a time is measured alone: run by `make size`")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var rules strings.Builder
	rules.WriteString("inputs: {default: {kind: http}}\nactions: {a: {to: webhook, url: 'https://example.com/{{ key }}', body: {v: '{{ signal.data.v }}'}}}\nrules:\n")
	for i := range 100 {
		fmt.Fprintf(&rules, "  - {id: r%d, match: {type: [com.example.t%d]}, when: signal.data.v > %d.0, key: signal.subject, window: {count: 3, within: 5m}, do: [{action: a}]}\n", i, i, i)
	}
	cfg, err := rule.Parse("loop.yaml", []byte(rules.String()))
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := rule.Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bundle.json"), bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	polled := make(chan time.Time, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	api := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		polled <- time.Now()
		<-r.Context().Done()
	})}
	go func() { _ = api.Serve(l) }()
	t.Cleanup(func() { _ = api.Close() })

	best, spent := time.Hour, time.Hour
	for range 40 { // the best of forty: what the code takes, not what the machine is busy with
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, binary)
		cmd.Env = []string{
			"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "LAMBDA_TASK_ROOT=" + dir, "AWS_REGION=us-east-2", "UNBROKEN_ACCOUNT=000000000000",
			"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		}
		start, polls := time.Now(), false
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case at := <-polled:
			best = min(best, at.Sub(start))
			polls = true
		case <-ctx.Done():
			t.Error("no poll within 20 s")
		}
		cancel()
		_ = cmd.Wait() // it was killed, while it waited for the poll's answer
		if used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); polls {
			spent = min(spent, used)
		}
	}
	t.Logf("from exec to the first poll with 100 rules: %s, %s of the processor (best of 40)", best.Round(100*time.Microsecond), spent.Round(100*time.Microsecond))
	if best > startLimit && spent > startLimit { // on a machine that is busy with other things only the second one tells
		t.Errorf("%s, %s of the processor; at most %s", best, spent, startLimit)
	}
}
