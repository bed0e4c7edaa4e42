package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"example.com/unbroken/internal/backtest"
)

// inS3 begins the name of recordings that are an archive's, or anything else of its form.
const inS3 = "s3://"

// objects is a bucket.
type objects interface {
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	Keys(ctx context.Context, prefix string) iter.Seq2[string, error] // in the order of their names
}

// hourly is the name of an object in an archive: what comes before the hour is one stream.
var hourly = regexp.MustCompile(`^(.*/)\d{4}/\d{2}/\d{2}/\d{2}/[^/]+$`)

// bucketRegion is the end of an archive bucket's name. Another bucket is looked for in the region of the environment.
var bucketRegion = regexp.MustCompile(`-([a-z]{2}-(?:[a-z]+-)?[a-z]+-\d)$`)

// bucket connects to a bucket: of the local world with --local, else as the environment says.
func (g *globals) bucket(ctx context.Context, w *world, name string) (objects, error) {
	region := ""
	if m := bucketRegion.FindStringSubmatch(name); m != nil {
		region = m[1]
	}
	if g.World {
		s, err := w.running(ctx)
		if err != nil {
			return nil, err
		}
		return w.Bucket(s.AWS(region), name), nil
	}
	cfg, err := w.AWS(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	if region != "" {
		cfg.Region = region
	}
	if cfg.Region == "" {
		return nil, fail(exitUsage, fmt.Errorf("which region is the bucket %s in? Set AWS_REGION", name))
	}
	return w.Bucket(cfg, name), nil
}

// archived lists what lies under s3://bucket/prefix: every region's input is one recording, its objects in the order of
// their hours.
func (g *globals) archived(ctx context.Context, w *world, name string) ([]backtest.File, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(name, inS3), "/")
	if bucket == "" {
		return nil, fail(exitUsage, fmt.Errorf("%s names no bucket: want s3://bucket/prefix", name))
	}
	from, err := g.bucket(ctx, w, bucket)
	if err != nil {
		return nil, err
	}
	streams := map[string]*objectSource{}
	var files []backtest.File
	for key, err := range from.Keys(ctx, prefix) {
		if err != nil {
			return nil, fail(exitUnreachable, err)
		}
		of := prefix
		if m := hourly.FindStringSubmatch(key); m != nil {
			of = m[1]
		}
		s := streams[of]
		if s == nil {
			s = &objectSource{open: func(key string) (io.ReadCloser, error) { return from.Get(ctx, key) }}
			streams[of] = s
			files = append(files, backtest.File{Name: inS3 + bucket + "/" + of, Source: s})
		}
		s.keys = append(s.keys, key)
	}
	if len(files) == 0 {
		return nil, fail(exitUsage, fmt.Errorf("nothing lies under %s; an archive's objects are named archive/REGION/INPUT/YYYY/MM/DD/HH/…", name))
	}
	return files, nil
}

// objectSource reads objects one after the other, each opened when the one before has ended.
type objectSource struct {
	open  func(key string) (io.ReadCloser, error)
	keys  []string
	body  io.Closer
	lines *backtest.Lines
}

// Next implements backtest.Source.
func (s *objectSource) Next() (backtest.Record, error) {
	for {
		if s.lines == nil {
			if len(s.keys) == 0 {
				return backtest.Record{}, io.EOF
			}
			if err := s.begin(s.keys[0]); err != nil {
				return backtest.Record{}, err
			}
		}
		r, err := s.lines.Next()
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, io.EOF) {
			return r, fmt.Errorf("%s: %w", s.keys[0], err)
		}
		_ = s.body.Close() // it was only read
		s.keys, s.lines = s.keys[1:], nil
	}
}

func (s *objectSource) begin(key string) error {
	body, err := s.open(key)
	if err != nil {
		return err
	}
	in, err := unpacked(body)
	if err != nil {
		_ = body.Close()
		return fmt.Errorf("%s: %w", key, err)
	}
	s.body, s.lines = body, backtest.NewLines(in)
	return nil
}

// unpacked reads what may be compressed.
func unpacked(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, 256<<10)
	if magic, err := buffered.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return buffered, nil
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return z, nil
}
