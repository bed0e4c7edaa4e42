// Package looptest is what the loop expects of its services, as conformance suites. The in-memory services
// (package mem) and the adapters for AWS pass the same ones, so that what is shown on the former holds for the latter.
// A test is named after the hazard it excludes.
package looptest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// The two loop regions of every bench.
const (
	HereRegion  = "us-east-2"
	ThereRegion = "us-west-2"
)

// Bench is one empty store as two regions see it.
type Bench[T any] struct {
	Here, There T
	Replicate   func() // brings what one region wrote to the other; nil where that happens at once
	LoseAnswer  func() // the next write through Here is applied and its answer lost, so that it fails
}

func (b Bench[T]) replicate() {
	if b.Replicate != nil {
		b.Replicate()
	}
}

// ErrLost is how a call fails whose answer was lost. It tells the caller nothing.
var ErrLost = errors.New("the answer was lost")

// hazard is one test of a suite, on a store of its own.
type hazard[T any] struct {
	name string
	test func(t *testing.T, b Bench[T])
}

func run[T any](t *testing.T, open func(t *testing.T) Bench[T], hazards []hazard[T]) {
	t.Helper()
	for _, h := range hazards {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			h.test(t, open(t))
		})
	}
}

// deadline bounds one call, so that a suite against a network ends.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// race runs do for n racers that start together, and waits for all.
func race(n int, do func(i int)) {
	var (
		start = make(chan struct{})
		wg    sync.WaitGroup
	)
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

// at is a moment of the suites' own time, with nanoseconds that must not be lost.
func at(seconds int) time.Time {
	return time.Date(2026, 3, 29, 1, 59, 0, 123456789, time.UTC).Add(time.Duration(seconds) * time.Second)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}
