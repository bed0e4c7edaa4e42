package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrNotRunning means that no world was announced in this folder, or that it is gone.
var ErrNotRunning = errors.New("no local world is running here: start one with `make run`")

// ErrRunning means that a world is running here already.
var ErrRunning = errors.New("a local world is running here already")

// State is what a running world writes down for others to find it.
type State struct {
	PID      int               `json:"pid"`
	Edge     string            `json:"edge"`
	Emulator string            `json:"emulator"`
	Receiver string            `json:"receiver"`
	DNS      string            `json:"dns"`
	Regions  map[string]string `json:"regions"`
	Started  time.Time         `json:"started"`
}

func statePath(dir string) string { return filepath.Join(dir, ".local", "state.json") }

// Announce makes this world the one that Find finds in its folder. It fails with ErrRunning
// if another one is; a file left by one that was killed is replaced. Stop takes it back.
func (w *World) Announce(ctx context.Context) error {
	path := statePath(w.Dir)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	text, err := json.MarshalIndent(State{
		PID: os.Getpid(), Edge: w.EdgeURL, Emulator: w.EmulatorURL, Receiver: w.ReceiverURL,
		DNS: w.DNS, Regions: w.Regions, Started: time.Now().UTC(),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	for range 2 {
		// O_EXCL: of two that start at once, one wins.
		err = writeNew(path, text)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		other, findErr := read(ctx, path)
		if findErr == nil {
			return fmt.Errorf("%w: process %d since %s, edge at %s", ErrRunning, other.PID, other.Started.Local().Format(time.TimeOnly), other.Edge)
		}
		if !errors.Is(findErr, ErrNotRunning) {
			return findErr
		}
		_ = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return nil
}

// retract removes the announcement, if it is ours.
func (w *World) retract() {
	path := statePath(w.Dir)
	var s State
	text, err := os.ReadFile(path) //nolint:gosec // the path is ours
	if err == nil && json.Unmarshal(text, &s) == nil && s.PID == os.Getpid() && s.Edge == w.EdgeURL {
		_ = os.Remove(path)
	}
}

// Find returns the world that runs in a repository, or ErrNotRunning.
func Find(ctx context.Context, dir string) (*Site, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	s, err := read(ctx, statePath(dir))
	if err != nil {
		return nil, err
	}
	return &Site{Dir: dir, EdgeURL: s.Edge, EmulatorURL: s.Emulator, ReceiverURL: s.Receiver, DNS: s.DNS, Regions: s.Regions}, nil
}

// read returns the announced state if it is true: its process lives and its edge answers. A
// process id alone proves little, the system may have given it to another program since.
func read(ctx context.Context, path string) (State, error) {
	var s State
	text, err := os.ReadFile(path) //nolint:gosec // the path is ours
	if errors.Is(err, fs.ErrNotExist) {
		return s, ErrNotRunning
	}
	if err != nil {
		return s, fmt.Errorf("local: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%w (%s is damaged: %w)", ErrNotRunning, path, err)
	}
	if !alive(s.PID) {
		return s, fmt.Errorf("%w (process %d of %s is gone)", ErrNotRunning, s.PID, path)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	site := Site{EdgeURL: s.Edge}
	if err := site.Edge().Health(ctx); err != nil {
		return s, fmt.Errorf("%w (%w)", ErrNotRunning, err)
	}
	return s, nil
}

func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the path is ours
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Close())
}
