package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startEmulator runs MiniStack. Its functions inherit its environment, so it gets only what
// is listed here: a developer's own AWS settings must not reach them.
func startEmulator(o Options, port, edgeURL string) (*process, error) {
	program := filepath.Join(o.Venv, "bin", "ministack")
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("no emulator at %s: run `make tools`, or name its environment in Options.Venv", program)
	}
	scratch := filepath.Join(o.Dir, ".local", "tmp-"+port)
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o700)); err != nil {
		return nil, fmt.Errorf("the emulator's scratch folder: %w", err)
	}
	cmd := exec.Command(program) //nolint:gosec // the path is ours
	cmd.Dir = scratch
	cmd.Env = append(baseEnv(),
		"TMPDIR="+scratch, // it unpacks functions there
		"PYTHONPATH="+filepath.Join(o.Dir, "localstack", "sitecustomize"),
		"PYTHONUNBUFFERED=1",
		"PYTHONDONTWRITEBYTECODE=1", // or it would leave a cache in the repository
		"BIND_HOST=127.0.0.1",
		"GATEWAY_PORT="+port,
		"MINISTACK_HOST=127.0.0.1",
		"LOG_LEVEL=WARNING",
		// What functions get as their endpoint: they come back through the edge.
		"AWS_ENDPOINT_URL="+edgeURL,
		"AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test",
	)
	cmd.Env = append(cmd.Env, o.Env...)
	p, err := startProcess(cmd, o.Log)
	if err != nil {
		return nil, fmt.Errorf("the emulator: %w", err)
	}
	p.cleanup = func() error { return os.RemoveAll(scratch) }
	return p, nil
}

// baseEnv is what any program needs to run, and nothing that changes what it does.
func baseEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "LD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (s *Site) emulatorHealth(ctx context.Context) error {
	// LocalStack and MiniStack both answer here.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.EmulatorURL+"/_localstack/health", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("health answers %s", res.Status)
	}
	return nil
}

// errDied is why waiting for a process was given up.
var errDied = errors.New("it ended")

// poll asks until try succeeds, with growing pauses up to 250 ms. It gives up when ctx ends or
// died is closed, and returns the last reason.
func poll(ctx context.Context, died <-chan struct{}, try func() error) error {
	pause := 5 * time.Millisecond
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		timer.Reset(pause)
		pause = min(2*pause, 250*time.Millisecond)
		select {
		case <-timer.C:
		case <-died:
			return errDied
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), err)
		}
	}
}
