package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/loop"
)

// page looks at one page and waits until what it cost is within the rate.
func (s *Sweeper) page(ctx context.Context, p *Pass, segment int) error {
	seg := &p.Segments[segment]
	page, err := s.cfg.Table.Scan(ctx, Query{Segment: segment, Segments: len(p.Segments), After: seg.After, Limit: pageSize})
	if err != nil {
		return fmt.Errorf("sweep segment %d: %w", segment, err)
	}
	// A page that fails is looked at again as a whole: nothing of it counts but what was deleted.
	next := *p
	next.Overdue = slices.Clone(p.Overdue)
	cost, err := s.records(ctx, &next, page)
	if err != nil {
		p.Deleted = next.Deleted
		return err
	}
	for _, o := range next.Overdue[len(p.Overdue):] {
		s.cfg.Recorder.Overdue(ctx, o)
	}
	next.Scanned, next.Unreadable = p.Scanned+page.Scanned, p.Unreadable+len(page.Unreadable)
	*p = next
	seg.After, seg.Done = page.Next, page.Next == ""
	cost += page.Units
	if s.cfg.Rate > 0 && cost > 0 {
		return s.cfg.Wait(ctx, time.Duration(cost/s.cfg.Rate*float64(time.Second)))
	}
	return nil
}

// records judges every record of a page and says what that cost beside the scan.
func (s *Sweeper) records(ctx context.Context, p *Pass, page Page) (cost float64, err error) {
	now := s.cfg.Now()
	for _, c := range page.Claims {
		n, err := s.claim(ctx, p, c, now)
		if cost += n; err != nil {
			return cost, err
		}
	}
	for _, e := range page.Episodes {
		n, err := s.episode(ctx, p, e, now)
		if cost += n; err != nil {
			return cost, err
		}
	}
	for _, l := range page.Limits {
		if !limitDone(l, now) {
			continue
		}
		cost += deleteUnits
		if err := s.deleted(p, s.cfg.Table.DeleteLimit(ctx, l)); err != nil {
			return cost, fmt.Errorf("sweep %s: %w", l.Key, err)
		}
	}
	return cost, nil
}

// Capacity that the steps beside the scan cost at least: a strongly consistent read, a replicated write.
const (
	readUnits   = 1
	deleteUnits = 2
)

func (s *Sweeper) claim(ctx context.Context, p *Pass, c loop.Claim, now time.Time) (cost float64, err error) {
	if c.Status == loop.StatusParked {
		p.Parked++
		if p.OldestParked.IsZero() || c.UpdatedAt.Before(p.OldestParked) {
			p.OldestParked = c.UpdatedAt
		}
		return 0, nil
	}
	if o, yes := overdueClaim(c, now); yes {
		p.add(o)
		return 0, nil
	}
	if !claimDone(c, now) {
		return 0, nil
	}
	if hasUndo(c) {
		e, err := s.cfg.Table.Episode(ctx, c.Effect.RuleID, c.Effect.Key)
		if err != nil {
			return 0, fmt.Errorf("sweep claim %s: %w", c.EffectID, err)
		}
		if cost += readUnits; !undoDone(c, e, now) {
			return cost, nil
		}
	}
	return cost + deleteUnits, s.deleted(p, s.cfg.Table.DeleteClaim(ctx, c))
}

func (s *Sweeper) episode(ctx context.Context, p *Pass, e Episode, now time.Time) (cost float64, err error) {
	if o, yes := overdueEpisode(e, now); yes {
		p.add(o)
	}
	if !episodeDone(e, now) {
		return 0, nil
	}
	return deleteUnits, s.deleted(p, s.cfg.Table.DeleteEpisode(ctx, e))
}

// deleted counts; a record that changed since it was read, or that a peer deleted, is left to the next pass.
func (s *Sweeper) deleted(p *Pass, err error) error {
	switch {
	case err == nil:
		p.Deleted++
	case !errors.Is(err, loop.ErrFenced):
		return err
	}
	return nil
}

// add counts o, and lists it while there is room.
func (p *Pass) add(o Overdue) {
	p.OverdueCount++
	if len(p.Overdue) < maxListed {
		p.Overdue = append(p.Overdue, o)
	}
}
