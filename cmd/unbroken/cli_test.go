package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"", "validate", "dev", "bundle", "test", "backtest", "explain", "send", "replay", "outputs", "status", "trace", "parked", "parked list", "parked show", "parked retry", "parked discard", "approve", "silence", "silence add", "silence list", "silence end", "kill", "revive", "redrive", "drain", "restore", "freeze", "unfreeze", "salvage", "drill", "balance", "local", "local cut", "local heal"} {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			w := newTerminal()
			if code := w.run(t.Context(), append(strings.Fields(c), "--help")...); code != exitOK {
				t.Fatalf("exit %d: %s", code, w.err.String())
			}
			golden(t, strings.TrimSpace("help "+c), w.out.String())
			if c != "" && c != "local" && c != "parked" && c != "silence" && !strings.Contains(w.out.String(), "  unbroken "+c) {
				t.Error("the help has no example")
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	event := `{"specversion":"1.0","type":"t","source":"s","id":"1"}`
	for name, c := range map[string]struct {
		args  []string
		stdin string
		code  int
		says  string
	}{
		"no argument shows help":            {nil, "", exitOK, ""},
		"an unknown command":                {[]string{"fly"}, "", exitUsage, "unbroken --help"},
		"an unknown flag":                   {[]string{"status", "--loud"}, "", exitUsage, "--loud"},
		"a missing flag":                    {[]string{"bundle", testLoop}, "", exitUsage, "unbroken bundle"},
		"a broken loop.yaml":                {[]string{"validate", "testdata/broken.yaml"}, "", exitProblem, "problem"},
		"a broken loop.yaml for a bundle":   {[]string{"bundle", "testdata/broken.yaml", "--out", "/dev/null/x"}, "", exitProblem, "broken.yaml:"},
		"no loop.yaml":                      {[]string{"status"}, "", exitUsage, "--config"},
		"a loop.yaml that is not there":     {[]string{"status", "-c", "nowhere.yaml"}, "", exitProblem, "nowhere.yaml"},
		"a region that is none":             {[]string{"status", "-c", testLoop, "--region", "mars"}, "", exitUsage, "us-east-2, us-west-2"},
		"an endpoint of a region none":      {[]string{"status", "-c", testLoop, "--endpoint", "mars=http://x"}, "", exitUsage, "mars"},
		"events that are not JSON":          {[]string{"send", "-c", testLoop}, event + "\nnot json", exitProblem, "stdin: event 2: not JSON"},
		"no event":                          {[]string{"send", "-c", testLoop}, " ", exitProblem, "no event"},
		"no file":                           {[]string{"send", "-c", testLoop, "gone.json"}, "", exitProblem, "gone.json"},
		"only unfit events":                 {[]string{"send", "-c", testLoop}, `{"id":"1"}`, exitNotAccepted, "1 of 1"},
		"nobody to send to":                 {[]string{"send", "-c", testLoop}, event, exitUnreachable, "--endpoint"},
		"hedging to one region":             {[]string{"send", "-c", testLoop, "--hedge", "--region", "us-east-2"}, event, exitUsage, "--region allows one"},
		"no time to send":                   {[]string{"send", "-c", testLoop, "--timeout", "0s"}, event, exitUsage, "positive"},
		"a speed that is none":              {[]string{"replay", "-c", testLoop, "-", "--as", "t", "--speed", "fast"}, "", exitUsage, "fast"},
		"a negative speed":                  {[]string{"replay", "-c", testLoop, "-", "--as", "t", "--speed=-1"}, "", exitUsage, "--speed"},
		"a speed that is not a number":      {[]string{"replay", "-c", testLoop, "-", "--as", "t", "--speed=NaN"}, "", exitUsage, "--speed"},
		"a batch too large":                 {[]string{"replay", "-c", testLoop, "-", "--as", "t", "--batch", "501"}, "", exitUsage, "500"},
		"an empty series":                   {[]string{"replay", "-c", testLoop, "-", "--as", "t"}, "timestamp,value\n", exitProblem, "no row"},
		"an output nobody can be asked of":  {[]string{"outputs", "-c", testLoop, "k"}, "", exitUnreachable, "--local"},
		"an id without a source":            {[]string{"trace", "-c", testLoop, "x"}, "", exitUsage, "--source"},
		"a signal nobody knows":             {[]string{"trace", "-c", testLoop, "x", "--source", "s"}, "", exitProblem, ""},
		"an effect that is none":            {[]string{"parked", "show", "-c", testLoop, "x"}, "", exitUsage, "64 hex"},
		"an effect that nobody knows":       {[]string{"parked", "retry", "-c", testLoop, strings.Repeat("ab", 32)}, "", exitProblem, "never claimed"},
		"retrying nothing in particular":    {[]string{"parked", "retry", "-c", testLoop}, "", exitUsage, "--all"},
		"discarding one and all":            {[]string{"parked", "discard", "-c", testLoop, strings.Repeat("ab", 32), "--all"}, "", exitUsage, "--all"},
		"a scan that may cost nothing":      {[]string{"parked", "list", "-c", testLoop, "--rate", "0"}, "", exitUsage, "--rate"},
		"a queue that is none":              {[]string{"redrive", "-c", testLoop, "mail"}, "", exitUsage, "signals"},
		"redriving at no rate":              {[]string{"redrive", "-c", testLoop, "signals", "--rate", "0"}, "", exitUsage, "--rate"},
		"renewing what is new":              {[]string{"redrive", "-c", testLoop, "inbox", "--renew"}, "", exitUsage, "--renew"},
		"books of all times":                {[]string{"balance", "-c", testLoop, "--since", "1000h"}, "", exitUsage, "--since"},
		"a rule that is none":               {[]string{"explain", "--rules", testLoop, "--rule", "x", "-"}, "", exitUsage, "no rule x"},
		"a signal that is not JSON":         {[]string{"explain", "--rules", testLoop, "-"}, "nonsense", exitProblem, "not JSON"},
		"rules without tests":               {[]string{"test", testLoop}, "", exitUsage, "loop.test.yaml"},
		"tests that are not there":          {[]string{"test", testLoop, "--tests", "gone.yaml"}, "", exitProblem, "gone.yaml"},
		"a name that is no expression":      {[]string{"test", testLoop, "--run", "("}, "", exitUsage, "--run"},
		"a CSV of no type":                  {[]string{"backtest", "--rules", testLoop, "testdata/series.csv"}, "", exitUsage, "--as"},
		"a backtest of nothing there":       {[]string{"backtest", "--rules", testLoop, "gone.jsonl"}, "", exitProblem, "gone.jsonl"},
		"a backtest against what is broken": {[]string{"backtest", "--rules", testLoop, "--against", "testdata/broken.yaml", "-"}, "", exitProblem, "broken.yaml:"},
		"a negative number of differences":  {[]string{"backtest", "--rules", testLoop, "--first=-1", "-"}, "", exitUsage, "--first"},
		"labels that are not there":         {[]string{"backtest", "--rules", testLoop, "--labels", "gone.json", "-"}, "", exitProblem, "gone.json"},
		"no local world":                    {[]string{"local", "cut", "us-east-2", "-c", testLoop}, "", exitUnreachable, "make run"},
		"no local world to speak to":        {[]string{"status", "--local", "-c", testLoop}, "", exitUnreachable, "make run"},
		"cutting what is no region":         {[]string{"local", "cut", "mars", "-c", testLoop}, "", exitUsage, "us-east-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTerminal()
			w.Stdin = strings.NewReader(c.stdin)
			if code := w.run(t.Context(), c.args...); code != c.code {
				t.Errorf("exit %d, want %d\n%s%s", code, c.code, w.out.String(), w.err.String())
			}
			if !strings.Contains(w.err.String(), c.says) {
				t.Errorf("said %q, want it to name %q", w.err.String(), c.says)
			}
			if c.code == exitOK {
				return
			}
			// With --json the error is JSON too, and stdout is either nothing or one document.
			w = newTerminal()
			w.Stdin = strings.NewReader(c.stdin)
			code := w.run(t.Context(), append(c.args, "--json")...)
			var e struct {
				Error string
				Exit  int
			}
			if w.err.Len() > 0 && (json.Unmarshal(w.err.Bytes(), &e) != nil || e.Exit != code) {
				t.Errorf("with --json: %s", w.err.String())
			}
			if w.out.Len() > 0 && !json.Valid(w.out.Bytes()) {
				t.Errorf("with --json: %s", w.out.String())
			}
		})
	}
}

func TestTheCodeOfAWrappedFailureCounts(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("around: %w", fail(exitUnreachable, errors.New("x")))
	if codeOf(err) != exitUnreachable || codeOf(nil) != exitOK || codeOf(errors.New("x")) != exitProblem {
		t.Error("codes are lost")
	}
}

func TestValidateShowsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.run(t.Context(), "validate", "testdata/broken.yaml")
	for _, want := range []string{"testdata/broken.yaml:8:", "when", "testdata/broken.yaml:9:", "missing"} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("no %q in\n%s", want, w.out.String())
		}
	}
	w = newTerminal()
	if code := w.run(t.Context(), "validate", testLoop, "--json"); code != exitOK {
		t.Errorf("exit %d", code)
	}
	golden(t, "validate json", w.out.String())
	w = newTerminal()
	w.run(t.Context(), "validate", testLoop)
	golden(t, "validate", w.out.String())
}

func TestBundleIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var made [2][]byte
	for i := range made {
		w := newTerminal()
		path := filepath.Join(dir, "new", fmt.Sprint(i), "bundle.json")
		if code := w.run(t.Context(), "bundle", testLoop, "--out", path); code != exitOK {
			t.Fatal(w.err.String())
		}
		made[i], _ = os.ReadFile(path)
		if !strings.Contains(w.out.String(), fmt.Sprintf("%d bytes  hash ", len(made[i]))) {
			t.Errorf("said %s", w.out.String())
		}
	}
	if len(made[0]) == 0 || string(made[0]) != string(made[1]) {
		t.Error("two bundles of the same rules differ")
	}
}

func TestAnUnchangedBundleIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "b")
	if err := replace(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(path)
	if err := replace(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("it was written anew")
	}
	if err := replace(path, []byte("y")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "y" {
		t.Errorf("holds %q", got)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestLocalCutsAndHeals(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.site = &fakeSite{}
	for _, args := range [][]string{{"local", "cut", "us-east-2"}, {"local", "heal", "us-east-2"}} {
		if code := w.run(t.Context(), append(args, "-c", testLoop)...); code != exitOK {
			t.Fatal(w.err.String())
		}
	}
	if got := strings.Join(w.site.did, ","); got != "cut us-east-2,heal us-east-2" {
		t.Errorf("did %s", got)
	}
	if w.out.String() != "us-east-2 is cut\nus-east-2 is healed\n" {
		t.Errorf("said %s", w.out.String())
	}
}

// The environment's account must not be asked for where the emulator's is known.
func TestLocalFlagBringsTheAccount(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.site = &fakeSite{}
	w.run(t.Context(), "status", "--local", "-c", testLoop)
	if w.cloud.account != "000000000000" {
		t.Errorf("account %q", w.cloud.account)
	}
}
