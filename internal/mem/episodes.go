package mem

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Episodes is the episodes of a deployment: one linearizable store for all regions.
type Episodes struct {
	mu    sync.Mutex
	docs  map[decide.Ref]*kept[decide.Episode]
	fault Fault
}

// NewEpisodes returns an empty store; fault may be nil.
func NewEpisodes(fault Fault) *Episodes {
	return &Episodes{docs: map[decide.Ref]*kept[decide.Episode]{}, fault: fault}
}

// In returns the episodes as region sees them.
func (s *Episodes) In(region string) decide.Episodes { return episodesView{s, region} }

// All returns every episode, for the books of a simulation.
func (s *Episodes) All() ([]decide.Episode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]decide.Episode, 0, len(s.docs))
	for ref := range s.docs {
		e, err := episodesView{s, ""}.read(ref)
		if err != nil {
			return nil, fmt.Errorf("read episode of %s: %w", ref.RuleID, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// Peek returns what stands for ref, for the books of a simulation: no fault is asked.
func (s *Episodes) Peek(ref decide.Ref) (decide.Episode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return episodesView{s, ""}.read(ref)
}

type episodesView struct {
	*Episodes
	region string
}

var _ decide.Episodes = episodesView{}

func (v episodesView) call(ctx context.Context, name string, ref decide.Ref, do func() error) error {
	err := v.fault.call(ctx, Op{Service: "episodes", From: v.region, Region: v.region, Name: name, Key: ref.RuleID}, func() error {
		v.mu.Lock()
		defer v.mu.Unlock()
		return do()
	})
	if err != nil {
		return fmt.Errorf("%s episode of %s: %w", name, ref.RuleID, err)
	}
	return nil
}

func (v episodesView) Get(ctx context.Context, ref decide.Ref) (e decide.Episode, err error) {
	err = v.call(ctx, "Get", ref, func() (err error) {
		e, err = v.read(ref)
		return err
	})
	return e, err
}

func (v episodesView) Put(ctx context.Context, e decide.Episode) error {
	return v.call(ctx, "Put", e.Ref, func() error {
		stored, err := v.read(e.Ref)
		if err != nil {
			return err
		}
		if stored.Rev != e.Rev {
			return loop.ErrConflict
		}
		e.Rev++
		e.Last.Time, e.UpdatedAt, e.MovedAt = e.Last.Time.UTC(), e.UpdatedAt.UTC(), e.MovedAt.UTC()
		doc, err := loop.Marshal(e)
		if err != nil {
			return err
		}
		v.docs[e.Ref] = &kept[decide.Episode]{doc: doc}
		return nil
	})
}

func (v episodesView) read(ref decide.Ref) (decide.Episode, error) {
	standing, ok := v.docs[ref]
	if !ok {
		return decide.Episode{Ref: ref}, nil
	}
	e, err := standing.get()
	e.Transitions, e.Flips = slices.Clone(e.Transitions), slices.Clone(e.Flips) // its reader adds to them
	return e, err
}
