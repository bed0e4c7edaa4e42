package client

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
)

const (
	spooled = ".jsonl"   // a batch that is not accepted yet, a signal a line
	halfWay = ".tmp"     // being written
	damaged = ".damaged" // could not be read; kept for a person
)

// ErrSpoolFull: the spool holds as many bytes as it may. The signals were sent all the same.
var ErrSpoolFull = errors.New("the spool is full")

// Spool keeps signals on disk from before they are sent until they are accepted or refused, so that a producer that
// crashes loses nothing which Send had begun. A batch is a file: written, synced and renamed, or not there. Several
// clients and processes may share a folder: what two of them send twice has the same ids. Safe for concurrent use.
type Spool struct {
	dir string
	max int64

	mu   sync.Mutex
	size int64           // of all files, as far as this process knows
	held map[string]bool // files that a Send or Drain of this process works on
}

// OpenSpool opens a folder as a spool of at most maxBytes, and makes it if need be. What an earlier process left in
// it waits for Client.Drain.
func OpenSpool(dir string, maxBytes int64) (*Spool, error) {
	if maxBytes <= 0 {
		return nil, fmt.Errorf("a spool of %d bytes holds nothing: give a positive size", maxBytes)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // the folder is the caller's choice
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	s := &Spool{dir: dir, max: maxBytes, held: map[string]bool{}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	for _, f := range files {
		info, err := f.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("open the spool: %w", err)
		case strings.HasSuffix(f.Name(), halfWay) && time.Since(info.ModTime()) > time.Hour:
			// Whoever wrote it is gone, and had not told anybody that it was kept.
			_ = os.Remove(filepath.Join(dir, f.Name())) //nolint:gosec // listed in it
		case strings.HasSuffix(f.Name(), spooled):
			s.size += info.Size()
		}
	}
	return s, nil
}

// put keeps a batch and gives the name it is held under until release.
func (s *Spool) put(at time.Time, batch []event) (string, error) {
	text := lines(batch)
	s.mu.Lock()
	if s.size+int64(len(text)) > s.max {
		s.mu.Unlock()
		return "", ErrSpoolFull
	}
	s.size += int64(len(text))
	name := fmt.Sprintf("%020d-%s%s", at.UnixNano(), rand.Text()[:8], spooled)
	s.held[name] = true
	s.mu.Unlock()
	if err := s.write(name, text); err != nil {
		s.release(name, int64(len(text)))
		return "", fmt.Errorf("spool: %w", err)
	}
	return name, nil
}

// keep leaves in the file what is still open and ends the hold.
func (s *Spool) keep(name string, before int64, open []event) error {
	freed := int64(0)
	defer func() { s.release(name, freed) }()
	if len(open) == 0 {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("spool: %w", err)
		}
		freed = before
		return nil
	}
	text := lines(open)
	if int64(len(text)) == before {
		return nil
	}
	if err := s.write(name, text); err != nil {
		return fmt.Errorf("spool: %w", err) // the whole batch stays: copies change nothing
	}
	freed = before - int64(len(text))
	return nil
}

func (s *Spool) release(name string, freed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, name)
	s.size = max(s.size-freed, 0)
}

// waiting lists the files that nobody in this process works on, the oldest first.
func (s *Spool) waiting() ([]string, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), spooled) && !s.held[f.Name()] {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// take holds a file and reads it. No events: another process was done with it, or somebody holds it.
func (s *Spool) take(name string) (batch []event, results []Result, size int64, err error) {
	s.mu.Lock()
	if s.held[name] {
		s.mu.Unlock()
		return nil, nil, 0, nil
	}
	s.held[name] = true
	s.mu.Unlock()
	path := filepath.Join(s.dir, name)
	text, err := os.ReadFile(path) //nolint:gosec // a file of the spool's own folder
	if err != nil {
		s.release(name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, 0, nil
		}
		return nil, nil, 0, fmt.Errorf("read the spool: %w", err)
	}
	if batch, results, err = parse(text); err != nil {
		moved := strings.TrimSuffix(path, spooled) + damaged
		err = errors.Join(fmt.Errorf("%s is damaged and was moved to %s: %w", name, moved, err), os.Rename(path, moved))
		s.release(name, int64(len(text)))
		return nil, nil, 0, err
	}
	return batch, results, int64(len(text)), nil
}

func parse(text []byte) (batch []event, results []Result, err error) {
	if len(text) == 0 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	for body := range bytes.Lines(text) {
		body = bytes.TrimSuffix(body, []byte("\n"))
		var of struct{ Source, ID string }
		if err := json.Unmarshal(body, &of); err != nil {
			return nil, nil, err
		}
		batch = append(batch, event{len(batch), body})
		results = append(results, Result{Source: of.Source, ID: of.ID, Key: loop.SignalKey(of.Source, of.ID), State: Open})
	}
	return batch, results, nil
}

func lines(batch []event) []byte {
	var text []byte
	for _, e := range batch {
		text = append(append(text, e.body...), '\n')
	}
	return text
}

// write makes the file durable before it has its name, and its name before it returns.
func (s *Spool) write(name string, text []byte) error {
	path := filepath.Join(s.dir, name)
	f, err := os.OpenFile(path+halfWay, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the spool's own folder
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+halfWay, path)
	}
	if err != nil {
		_ = os.Remove(path + halfWay)
		return err
	}
	return syncDir(s.dir)
}

// syncDir makes a rename last. https://man7.org/linux/man-pages/man2/fsync.2.html#DESCRIPTION
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the spool's own folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
