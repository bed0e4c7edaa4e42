package ingest

import (
	"context"
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
)

// Notes are where a region writes that it heard an input.
type Notes interface {
	Put(ctx context.Context, region, pk, sk string, doc any, keep time.Duration) error
}

// Listener notes of each input that is watched that it took a signal, twice in the time in which one is expected and no
// more: a write for every signal would cost more than the signal.
type Listener struct {
	Observer

	Region string
	Inputs map[string]loop.Input
	Notes  Notes
	Now    func() time.Time
	Lost   func(ctx context.Context, err error) // told of a note that could not be written; the next signal tries again

	mu   sync.Mutex
	last map[string]time.Time
}

// patience bounds a note: its signal is durable already, and its producer waits.
const patience = time.Second

// Accepted implements Observer.
func (l *Listener) Accepted(ctx context.Context, input string, keys []string, copies int) {
	l.Observer.Accepted(ctx, input, keys, copies)
	now := l.Now().UTC()
	if !l.due(input, now) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := l.Notes.Put(ctx, l.Region, loop.HeardKey(input), l.Region, loop.Heard{At: now}, 0); err != nil {
		l.Lost(ctx, err)
	}
}

// due says whether a note is to be written, and takes it for written: a table that does not answer must not cost every
// request a second. A note that is lost may activate a standby that is not needed, which does no harm.
func (l *Listener) due(input string, now time.Time) bool {
	every := l.Inputs[input].ExpectEvery.Std()
	if every == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, noted := l.last[input]; noted && now.Sub(last) < every/2 {
		return false
	}
	if l.last == nil {
		l.last = map[string]time.Time{}
	}
	l.last[input] = now
	return true
}
