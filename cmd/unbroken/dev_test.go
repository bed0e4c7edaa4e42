package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A signal goes in over HTTP and its effect can be read over HTTP, in the process that `unbroken dev` is.
func TestDevRunsALoop(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "loop.yaml")
	if err := os.WriteFile(file, []byte(`
inputs: {default: {kind: http}}
rules:
  - {id: note, match: {type: [com.example.note]}, key: signal.subject, do: [{step: note, action: note}]}
actions:
  note: {to: output, output: "note/{{ key }}", value: {seen: true}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	w := newTerminal()
	w.Stdout, w.Now = in, time.Now
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"dev", file, "--json"}, &w.world)
		_ = in.Close()
	}()
	lines := make(chan string, 1000) // what the command says never waits for this test
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	var ready struct {
		Endpoints []struct{ Region, URL string } `json:"endpoints"`
	}
	if first := <-lines; json.Unmarshal([]byte(first), &ready) != nil || len(ready.Endpoints) != 2 {
		t.Fatalf("said %s", first)
	}
	resp, err := http.Post(ready.Endpoints[0].URL+"/v1/signals/default", "application/cloudevents+json",
		strings.NewReader(`{"specversion":"1.0","id":"1","source":"s","type":"com.example.note","subject":"a"}`))
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	for said := range lines {
		if strings.Contains(said, `"what":"landed"`) {
			break
		}
	}
	resp, err = http.Get(ready.Endpoints[1].URL + "/v1/outputs/note/a")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"seen":true`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	cancel()
	if code := <-done; code != exitOK {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
}

func TestDevRefusesFaultsThatAreNone(t *testing.T) {
	t.Parallel()
	for arg, says := range map[string]string{
		"--kill=us-east-2": "REGION@AFTER", "--kill=mars@5s": "us-east-2, us-west-2", "--cut=us-east-2@5s+x": "after +",
	} {
		w := newTerminal()
		if code := w.run(t.Context(), "dev", testLoop, arg); code != exitUsage || !strings.Contains(w.err.String(), says) {
			t.Errorf("%s: exit %d: %s", arg, code, w.err.String())
		}
	}
}
