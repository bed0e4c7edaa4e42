package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"example.com/unbroken/internal/backtest"
	"example.com/unbroken/internal/loop"
)

// recordingFlags say what recorded signals are in the files that a command reads.
type recordingFlags struct {
	As      string `placeholder:"TYPE" help:"The type of the signals that the rows of a CSV become."`
	Source  string `placeholder:"SOURCE" help:"Their source (default: replay/FILE without its ending)."`
	Subject string `placeholder:"SUBJECT" help:"What they are about (default: FILE without its ending)."`
	Field   string `default:"value" help:"The value's name in data, and of its column where the file has a header."`
}

// recordings are open files of signals.
type recordings struct {
	Files []backtest.File
	Size  int64 // of all, as they lie on the disk; 0 where one of them is a stream
	read  atomic.Int64
	close []io.Closer
}

// Close implements io.Closer.
func (r *recordings) Close() error {
	var errs []error
	for _, c := range r.close {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// open opens the files, `-` being stdin and s3://bucket/prefix an archive; what is compressed is unpacked.
func (f recordingFlags) open(ctx context.Context, g *globals, w *world, files []string) (r *recordings, err error) {
	r = &recordings{}
	defer func() {
		if err != nil {
			_ = r.Close() // nothing was written to them
		}
	}()
	streams := false
	for _, name := range files {
		if strings.HasPrefix(name, inS3) {
			archived, err := g.archived(ctx, w, name)
			if err != nil {
				return r, err
			}
			r.Files, streams = append(r.Files, archived...), true
			continue
		}
		in := w.Stdin
		if name == "-" {
			streams = true
		} else {
			file, err := os.Open(filepath.Clean(name))
			if err != nil {
				return r, fmt.Errorf("read signals: %w", err)
			}
			r.close = append(r.close, file)
			if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
				streams = true
			} else {
				r.Size += info.Size()
			}
			in = file
		}
		source, err := f.source(name, &counted{in, &r.read})
		if err != nil {
			return r, err
		}
		r.Files = append(r.Files, backtest.File{Name: name, Source: source})
	}
	if streams {
		r.Size = 0
	}
	return r, nil
}

// source reads one file: CSV by its name, or stdin where --as says that it is one, else CloudEvents.
func (f recordingFlags) source(name string, in io.Reader) (backtest.Source, error) {
	in, err := unpacked(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	bare := bareName(name)
	isCSV := strings.HasSuffix(bare, ".csv")
	if !isCSV && (name != "-" || f.As == "") {
		return backtest.NewLines(in), nil
	}
	if f.As == "" {
		return nil, fail(exitUsage, fmt.Errorf("%s is CSV: say with --as which type its signals have", name))
	}
	if bare = strings.TrimSuffix(bare, ".csv"); name == "-" {
		bare = "stdin"
	}
	s := &series{Type: f.As, Source: f.Source, Subject: f.Subject, Field: f.Field}
	if s.Source == "" {
		s.Source = "replay/" + url.PathEscape(bare) // a source is a URI reference
	}
	if s.Subject == "" {
		s.Subject = bare
	}
	s.open(in)
	return &rowSource{series: s}, nil
}

// bareName is a file's name without folder and packing.
func bareName(name string) string { return strings.TrimSuffix(filepath.Base(name), ".gz") }

// rowSource gives the rows of a CSV as records.
type rowSource struct {
	series *series
	n      int
}

// Next implements backtest.Source.
func (r *rowSource) Next() (backtest.Record, error) {
	s, err := r.series.next()
	if err != nil {
		return backtest.Record{}, err
	}
	raw, err := loop.Marshal(s)
	if err != nil {
		return backtest.Record{}, fmt.Errorf("line %d: %w", r.series.line, err)
	}
	r.n++
	return backtest.Record{Signal: raw, At: s.Time, N: r.n}, nil
}

// counted counts what is read, for the progress bar.
type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}
