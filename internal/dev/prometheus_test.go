package dev_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/unbroken/internal/dev"
	"example.com/unbroken/internal/rule"
)

// installed finds a program by one of its names, or skips the test.
func installed(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

// page is the first block of a kind on docs/producers.md.
func page(t *testing.T, kind string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/producers.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```" + kind + "\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatalf("no block of %s", kind)
	}
	return string(m[1])
}

// program runs until the test ends, at a port that it finds itself, and returns where it listens. What it said is shown
// where the test failed.
func program(t *testing.T, path string, args ...string) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, append(args, "--web.listen-address=127.0.0.1:0")...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	var said strings.Builder
	listens, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if m := regexp.MustCompile(`"Listening on" address=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				listens <- m[1]
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(said.String())
		}
	})
	select {
	case address = <-listens:
	case <-ended:
		t.Fatalf("%s ended without listening", path)
	}
	return address
}

// A real Prometheus finds the error rate too high, a real Alertmanager, configured as docs/producers.md says, delivers the
// alert, the page's rule acts, and when the alert is resolved it takes back what it did. Only waits are shortened.
func TestAnAlertOfARealPrometheusActsAndItsResolveUndoes(t *testing.T) {
	t.Parallel()
	prometheus, alertmanager := installed(t, "prometheus"), installed(t, "prometheus-alertmanager", "alertmanager")
	cfg, err := rule.Parse("loop.yaml", []byte(`
standby_delay: 2s
claim: 1500ms
inputs: {alerts: {kind: http, format: alertmanager, source: alertmanager/prod, auth: bearer, credentials: [{secrets: [ssm:/unbroken/alertmanager]}]}}
actions: {shed: {to: output, timeout: 400ms, output: "shed/{{ key }}", value: "{{ with.level }}"}}
`+page(t, "loop")))
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan dev.Event, 10_000)
	ctx, cancel := context.WithCancel(t.Context())
	world, err := dev.New(ctx, dev.Config{Rules: cfg, Now: time.Now, Say: func(e dev.Event) { events <- e }})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- world.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	var healthy atomic.Bool
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		rate := map[bool]float64{true: 0.01, false: 0.09}[healthy.Load()]
		_, _ = fmt.Fprintf(w, "checkout_error_rate %g\n", rate)
	}))
	t.Cleanup(shop.Close)

	dir := t.TempDir()
	write := func(name, text string, replace ...string) string {
		t.Helper()
		for i := 0; i < len(replace); i += 2 {
			changed := regexp.MustCompile(replace[i]).ReplaceAllLiteralString(text, replace[i+1])
			if changed == text {
				t.Fatalf("%s: nothing is like %s", name, replace[i])
			}
			text = changed
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := write("loop.key", dev.LocalSecret)
	endpoint := world.Endpoints()[0].URL
	am := program(t, alertmanager, "--cluster.listen-address=", "--storage.path="+filepath.Join(dir, "am"),
		"--config.file="+write("alertmanager.yml", page(t, "alertmanager"),
			`https://loop\.example\.com`, endpoint, `/etc/alertmanager/loop\.key`, key, `group_wait: \S+`, "group_wait: 1s", `group_interval: \S+`, "group_interval: 1s"))
	// A scrape that a busy machine misses does not resolve the alert.
	rules := write("rules.yml", page(t, "prometheus"), `expr: .*`, "expr: last_over_time(checkout_error_rate[5m]) > 0.05", `for: \S+`, "for: 1s")
	program(t, prometheus, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"),
		"--config.file="+write("prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: shop, static_configs: [{targets: [%q]}]}]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
`, rules, strings.TrimPrefix(shop.URL, "http://"), am)))

	landed := func(phase string) {
		t.Helper()
		for {
			select {
			case e := <-events:
				if e.What == "landed" && e.Rule == "checkout-errors" && strings.Contains(e.String(), phase+" shed") {
					return
				}
			case <-time.After(time.Minute):
				t.Fatalf("no %s", phase)
			}
		}
	}
	output := func() string {
		t.Helper()
		resp, err := http.Get(endpoint + "/v1/outputs/shed/checkout")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	landed("do")
	if said := output(); !strings.Contains(said, "high") {
		t.Errorf("after the alert: %s", said)
	}
	healthy.Store(true)
	landed("undo")
	if said := output(); !strings.Contains(said, "none") {
		t.Errorf("after the resolve: %s", said)
	}
}
