package looptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"testing"

	"example.com/unbroken/internal/archive"
	"example.com/unbroken/internal/loop"
)

// ObjectStore is what the archive writes to, and the command line reads.
type ObjectStore interface {
	archive.Store
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	Keys(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Objects is the suite for the archive's store.
func Objects(t *testing.T, open func(t *testing.T) Bench[ObjectStore]) {
	t.Helper()
	run(t, open, []hazard[ObjectStore]{
		{"ObjectIsNotWhatWasPut", objectStays},
		{"RepeatedPutIsAnotherObject", objectReplaces},
		{"MissingObjectIsNoError", objectMissing},
		{"ListIsOutOfOrderOrCutOff", objectsInOrder},
		{"ListReachesBeyondItsPrefix", objectsOfPrefix},
	})
}

func content(t *testing.T, s ObjectStore, key string) string {
	t.Helper()
	r, err := s.Get(deadline(t), key)
	must(t, err)
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	must(t, err)
	return string(b)
}

func keys(t *testing.T, s ObjectStore, prefix string) (all []string) {
	t.Helper()
	for key, err := range s.Keys(deadline(t), prefix) {
		must(t, err)
		all = append(all, key)
	}
	return all
}

func objectStays(t *testing.T, b Bench[ObjectStore]) {
	body := []byte("\x1f\x8b\x00binary\xff")
	must(t, b.Here.Put(deadline(t), "archive/a/1", body))
	want := string(body)
	body[0] = 'x' // the caller's own again
	if got := content(t, b.There, "archive/a/1"); got != want {
		t.Errorf("%q", got)
	}
}

func objectReplaces(t *testing.T, b Bench[ObjectStore]) {
	must(t, b.Here.Put(deadline(t), "k", []byte("one")))
	must(t, b.Here.Put(deadline(t), "k", []byte("two")))
	if got := content(t, b.Here, "k"); got != "two" || len(keys(t, b.Here, "k")) != 1 {
		t.Errorf("%q", got)
	}
}

func objectMissing(t *testing.T, b Bench[ObjectStore]) {
	if _, err := b.Here.Get(deadline(t), "nothing"); !errors.Is(err, loop.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if got := keys(t, b.Here, "nothing"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// More objects than a page of the list has.
func objectsInOrder(t *testing.T, b Bench[ObjectStore]) {
	const n = 1100
	want := make([]string, n)
	for i := range want {
		want[i] = fmt.Sprintf("h/%04d", i)
	}
	race(16, func(from int) {
		for i := n - 1 - from; i >= 0; i -= 16 {
			if err := b.Here.Put(deadline(t), want[i], []byte("x")); err != nil {
				t.Errorf("put: %v", err)
			}
		}
	})
	if got := keys(t, b.There, "h/"); !slices.Equal(got, want) {
		t.Errorf("%d keys", len(got))
	}
	for key, err := range b.Here.Keys(deadline(t), "h/") {
		if must(t, err); key != want[0] {
			t.Errorf("the first is %s", key)
		}
		break // whoever has enough may stop
	}
}

func objectsOfPrefix(t *testing.T, b Bench[ObjectStore]) {
	for _, k := range []string{"archive/a/1", "archive/ab/1", "other/a/1"} {
		must(t, b.Here.Put(deadline(t), k, []byte(k)))
	}
	if got := keys(t, b.Here, "archive/a/"); !slices.Equal(got, []string{"archive/a/1"}) {
		t.Errorf("%v", got)
	}
}
