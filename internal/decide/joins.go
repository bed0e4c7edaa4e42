package decide

import (
	"context"
	"sync"

	"example.com/unbroken/internal/loop"
)

// joins lets the openings of one invocation join their groups together: keys that open at once, as they do in trouble,
// would lose each other's races for the one record. While a group is being written, what else wants to join it waits
// and is written next, with one write.
type joins struct {
	mu    sync.Mutex
	next  map[Ref]*round
	turns map[Ref]chan struct{} // whoever writes a group has put something in
}

// round is what is written together. Its first firing's goroutine writes it.
type round struct {
	joins   []joining
	standby bool
	done    chan struct{}
	err     error
}

func newJoins() *joins { return &joins{next: map[Ref]*round{}, turns: map[Ref]chan struct{}{}} }

// enter adds a firing to the next round of its group.
func (s *joins) enter(ref Ref, j joining, standby bool) (r *round, turn chan struct{}, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r = s.next[ref]; r == nil {
		r, first = &round{standby: true, done: make(chan struct{})}, true
		s.next[ref] = r
	}
	if s.turns[ref] == nil {
		s.turns[ref] = make(chan struct{}, 1)
	}
	r.joins, r.standby = append(r.joins, j), r.standby && standby
	return r, s.turns[ref], first
}

// begin closes the next round of a group to others.
func (s *joins) begin(ref Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.next, ref)
}

// join brings a firing into its group, by write, which one of those that wait calls for all.
func (s *joins) join(ctx context.Context, ref Ref, j joining, standby bool, write func(all []joining, standby bool) error) error {
	r, turn, first := s.enter(ref, j, standby)
	if !first {
		select {
		case <-r.done:
			return r.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer close(r.done)
	turn <- struct{}{} // the one before is bounded by the same deadline
	defer func() { <-turn }()
	s.begin(ref)
	r.err = write(r.joins, r.standby)
	return r.err
}

// joinOf sends what an episode's opening comes to where its rule decides for groups: not effects, but a firing. A rule
// that is gone has none.
func (h *Handler) joinOf(ctx context.Context, k keeper, t Transition, standby bool) error {
	d := t.Decision
	p, ok := h.cfg.Set.Program(d.RuleID)
	if !ok || !t.Pending() && h.cfg.Now().After(t.AcceptedAt.Add(d.Joins.Keep.Std())) {
		return nil
	}
	j := joining{
		at: t.At, signalKey: d.SignalKey, accepted: t.AcceptedAt, input: t.Input, hops: t.Hops, cause: t.Cause,
		member: loop.Member{Key: d.Key, Source: d.Why.Source, ID: d.Why.ID, Time: d.Why.Time},
	}
	item := loop.Item{AcceptedAt: t.AcceptedAt, Input: t.Input, Standby: standby}
	return k.joins.join(ctx, groupRef(d.RuleID, d.Joins.Group), j, standby, func(all []joining, standby bool) error {
		return h.gather(ctx, k, p, d.Joins.Group, all, standby, item)
	})
}
