package mem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"example.com/unbroken/internal/loop"
)

// Objects is a bucket.
type Objects struct {
	mu    sync.Mutex
	all   map[string][]byte
	fault Fault
}

// NewObjects returns an empty bucket; fault may be nil.
func NewObjects(fault Fault) *Objects { return &Objects{all: map[string][]byte{}, fault: fault} }

func (s *Objects) call(ctx context.Context, name, key string, do func() error) error {
	err := s.fault.call(ctx, Op{Service: "objects", Name: name, Key: key}, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return do()
	})
	if err != nil {
		return fmt.Errorf("%s object %s: %w", name, key, err)
	}
	return nil
}

// Put implements archive.Store.
func (s *Objects) Put(ctx context.Context, key string, body []byte) error {
	return s.call(ctx, "Put", key, func() error {
		s.all[key] = bytes.Clone(body)
		return nil
	})
}

// Get opens an object; loop.ErrNotFound where there is none.
func (s *Objects) Get(ctx context.Context, key string) (body io.ReadCloser, err error) {
	err = s.call(ctx, "Get", key, func() error {
		b, ok := s.all[key]
		if !ok {
			return loop.ErrNotFound
		}
		body = io.NopCloser(bytes.NewReader(b))
		return nil
	})
	return body, err
}

// Keys lists the objects under a prefix in the order of their names.
func (s *Objects) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var keys []string
		err := s.call(ctx, "Keys", prefix, func() error {
			keys = slices.Sorted(maps.Keys(s.all))
			return nil
		})
		if err != nil {
			yield("", err)
			return
		}
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) && !yield(k, nil) {
				return
			}
		}
	}
}
