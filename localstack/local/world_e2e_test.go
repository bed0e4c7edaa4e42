//go:build e2e

package local_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/localstack/local"
)

// folder makes a Dir for a world of a test: it keeps its state under Dir, and a test's must
// not be the developer's.
func folder(t *testing.T) string {
	t.Helper()
	localstack, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(localstack, filepath.Join(dir, "localstack")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// venv is the emulator's Python environment: EMULATOR_VENV, or what `make tools` installs.
func venv(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("EMULATOR_VENV"); dir != "" {
		return dir
	}
	dir, err := filepath.Abs("../../.tools/venv")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// start brings up a world of its own on free ports.
func start(t *testing.T) *local.World {
	t.Helper()
	return hurried(t, 1)
}

// hurried brings up a world whose stand-ins go faster than AWS.
func hurried(t *testing.T, scale float64) *local.World {
	t.Helper()
	began := time.Now()
	w, err := local.Start(t.Context(), local.Options{Dir: folder(t), Venv: venv(t), Log: os.Stderr, Scale: scale, Regions: []string{east, west, witness}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("up in %s", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		began := time.Now()
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
		t.Logf("down in %s", time.Since(began).Round(time.Millisecond))
		noneLeft(t, w.Dir)
	})
	return w
}

// noneLeft waits until no process works under dir: the emulator's and its functions' working
// folders are there. What is dead and only waits to be reaped has none.
func noneLeft(t *testing.T, dir string) {
	t.Helper()
	// The test's own context has ended when a cleanup runs.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	until(ctx, t, "no process is left", func(context.Context) bool { return len(processesIn(dir)) == 0 })
}

func processesIn(dir string) (pids []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir) {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}

// bootstrap builds the test's function.
func bootstrap(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", out, "./testdata/function")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the function: %v\n%s", err, text)
	}
	return out
}

// eventually asks until try says true.
func eventually(t *testing.T, limit time.Duration, what string, try func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	until(ctx, t, what, try)
}

func until(ctx context.Context, t *testing.T, what string, try func(context.Context) bool) {
	t.Helper()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !try(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("in the time given it did not happen: %s", what)
		}
	}
}
