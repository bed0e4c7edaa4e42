package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/local"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "loop.yaml")
	if err := os.WriteFile(broken, []byte("regions: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args      []string
		code      int
		out, errs string // what each must hold
	}{
		"help":            {[]string{"--help"}, exitOK, "--once", ""},
		"an unknown flag": {[]string{"--twice"}, exitUsage, "", "up --help"},
		"an argument":     {[]string{"now"}, exitUsage, "", "up --help"},
		"no loop.yaml":    {[]string{"--loop", filepath.Join(t.TempDir(), "none.yaml")}, exitProblem, "", "none.yaml"},
		"a bad loop.yaml": {[]string{"--loop", broken}, exitProblem, "", "loop.yaml:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			code := start(t.Context(), c.args, &out, &errs)
			if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.errs) {
				t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
			}
		})
	}
}

func TestNextNamesTheRegionsOfTheLoop(t *testing.T) {
	t.Parallel()
	cfg := &loop.Config{Regions: loop.Regions{Loop: []string{"eu-west-1", "eu-central-1"}}}
	for ours, last := range map[bool]string{true: "Ctrl-C", false: "it stays up"} {
		var out bytes.Buffer
		next(&out, &local.Site{EdgeURL: "http://edge", ReceiverURL: "http://receiver", DNS: "127.0.0.1:4553"}, cfg, ours)
		for _, want := range []string{"local cut eu-west-1", "local heal eu-west-1", "readable in eu-central-1", "http://edge", "http://receiver/_receiver/deliveries", "dig @127.0.0.1 -p 4553 loop.test", last} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is not in\n%s", want, out.String())
			}
		}
	}
}
