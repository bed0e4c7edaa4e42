package backtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// state keeps the windows and episodes of one side. Unlike the tables it forgets at once what no decision can need,
// so that its size is that of the windows and not of the recording.
type state struct {
	mu    sync.Mutex // guards keys; a key itself is one goroutine's at a time, as decide has it
	keys  map[decide.Ref]*keyState
	least int // keys below which none is forgotten
	due   int // keys at which the next sweep is made
}

// keyState is the state of one (rule, key).
type keyState struct {
	entries []decide.Entry // in order
	keep    time.Duration
	newest  time.Time
	episode decide.Episode
}

const firstSweep = 10_000

func newState() *state {
	return &state{keys: map[decide.Ref]*keyState{}, least: firstSweep, due: firstSweep}
}

func (s *state) of(ref decide.Ref) *keyState {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[ref]
	if k == nil {
		k = &keyState{episode: decide.Episode{Ref: ref}}
		s.keys[ref] = k
	}
	return k
}

// sweepMargin is how long a closed key is kept beyond its window: files that are out of order by less find it.
const sweepMargin = time.Hour

// sweep forgets keys that are closed and whose window has passed; the number of an episode comes from its time, so
// they start again where they were.
func (s *state) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) < s.due {
		return
	}
	for ref, k := range s.keys {
		if !k.episode.Open && k.newest.Add(k.keep+sweepMargin).Before(now) {
			delete(s.keys, ref)
		}
	}
	s.due = max(s.least, 2*len(s.keys))
}

// put stores entries, and forgets those that even a late one could not reach any more. It looks back from what was
// known before: all that comes with one message is judged together, however long a time it spans.
func (k *keyState) put(entries []decide.Entry, keep time.Duration) {
	k.keep = max(k.keep, keep)
	k.forget()
	for _, e := range entries {
		i, known := slices.BinarySearchFunc(k.entries, e, func(a, b decide.Entry) int { return a.Pos.Compare(b.Pos) })
		if known {
			k.entries[i] = e
			continue
		}
		k.entries = slices.Insert(k.entries, i, e)
		if e.Pos.Time.After(k.newest) {
			k.newest = e.Pos.Time
		}
	}
}

func (k *keyState) forget() {
	from := k.newest.Add(-k.keep)
	gone := 0
	for gone < len(k.entries) && k.entries[gone].Pos.Time.Before(from) {
		gone++
	}
	if gone > len(k.entries)/2 { // seldom, so that forgetting costs nothing
		k.entries = slices.Delete(k.entries, 0, gone)
	}
}

// around implements decide.Windows' Around over the entries of one region.
func (k *keyState) around(look decide.Look) decide.Seen {
	reading := look.Read()
	for _, e := range slices.Backward(k.entries) {
		if !reading.Add(e) {
			break
		}
	}
	return look.Merge(reading)
}

// windows and episodes are the state as one batch may touch it: when it is its turn.
type windows struct{ *visit }

var _ decide.Windows = windows{}

// Put implements decide.Windows.
func (w windows) Put(ctx context.Context, ref decide.Ref, entries []decide.Entry, keep time.Duration) error {
	if err := w.enter(ctx); err != nil {
		return err
	}
	w.side.state.of(ref).put(entries, keep)
	return nil
}

// Around implements decide.Windows.
func (w windows) Around(ctx context.Context, ref decide.Ref, look decide.Look) (decide.Seen, error) {
	if err := w.enter(ctx); err != nil {
		return decide.Seen{}, err
	}
	return w.side.state.of(ref).around(look), nil
}

type episodes struct{ *visit }

var _ decide.Episodes = episodes{}

// Get implements decide.Episodes.
func (e episodes) Get(ctx context.Context, ref decide.Ref) (decide.Episode, error) {
	if err := e.enter(ctx); err != nil {
		return decide.Episode{}, err
	}
	return e.side.state.of(ref).episode, nil
}

// Put implements decide.Episodes. What has been sent is dropped: there is no other region that might need it.
func (e episodes) Put(ctx context.Context, ep decide.Episode) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	k := e.side.state.of(ep.Ref)
	if k.episode.Rev != ep.Rev {
		return loop.ErrConflict
	}
	ep.Rev++
	e.transitions(ep.Transitions)
	ep.Transitions = slices.DeleteFunc(slices.Clone(ep.Transitions), func(t decide.Transition) bool { return !t.Pending() })
	k.episode = ep
	return nil
}
