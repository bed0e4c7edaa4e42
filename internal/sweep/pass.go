package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Config is what a Sweeper needs; all fields are required.
type Config struct {
	Region   string
	Table    Table
	Docs     Docs
	Recorder Recorder
	Now      func() time.Time
	Wait     func(ctx context.Context, d time.Duration) error
	Rate     float64       // capacity units a second that a run may use
	Budget   time.Duration // of one run; the function's timeout is a page longer
	Every    time.Duration // from the start of one pass to the start of the next
}

// Sweeper passes over the table. One runs in every loop region; a second one finds nothing left to delete.
type Sweeper struct{ cfg Config }

// New makes a Sweeper.
func New(c Config) *Sweeper { return &Sweeper{cfg: c} }

const (
	segments  = 4   // taken in turn, so that the scan does not rest on one partition
	pageSize  = 100 // at most 40 MB if every item were at its limit; in practice a few hundred KB
	maxListed = 100 // overdue records that a report names; it counts all
	pageTime  = 10 * time.Second
	keepNotes = 30 * 24 * time.Hour
)

// Pass is one pass over the table: where it is and what it found so far. The last one that ended is the report.
type Pass struct {
	Region       string    `json:"region"`
	Started      time.Time `json:"started"`
	Ended        time.Time `json:"ended,omitzero"`
	Segments     []Segment `json:"segments,omitempty"`
	Scanned      int       `json:"scanned"`
	Deleted      int       `json:"deleted"`
	Unreadable   int       `json:"unreadable"`
	Parked       int       `json:"parked"`
	OldestParked time.Time `json:"oldestParked,omitzero"`
	OverdueCount int       `json:"overdueCount"`
	Overdue      []Overdue `json:"overdue,omitempty"` // at most maxListed
}

// Segment is the cursor in one part of the table.
type Segment struct {
	After string `json:"after,omitempty"`
	Done  bool   `json:"done,omitempty"`
}

// Name is under which a region's notes stand in `outputs`; Running and Report are the writers.
func Name(region string) string { return "sweep#" + region }

// Writers of notes.
const (
	Running = "pass"
	Report  = "report"
)

// Run goes on with the pass that is under way, or starts one if the last is long enough ago. It ends within its
// budget and keeps its place, so that a table of any size is passed over, whatever a function's timeout is.
func (s *Sweeper) Run(ctx context.Context) error {
	p, due, err := s.load(ctx)
	if err != nil || !due {
		return err
	}
	end, before := s.cfg.Now().Add(s.cfg.Budget), p
	for i := 0; err == nil && !p.done() && s.cfg.Now().Before(end); i++ {
		if seg := &p.Segments[i%len(p.Segments)]; !seg.Done {
			err = s.page(ctx, &p, i%len(p.Segments))
		}
	}
	if err == nil && p.done() {
		p.Ended = s.cfg.Now().UTC()
	}
	s.cfg.Recorder.Swept(ctx, p, Found{
		Scanned: p.Scanned - before.Scanned, Deleted: p.Deleted - before.Deleted, Overdue: p.OverdueCount - before.OverdueCount,
	})
	// Its place is kept after a failure too, and even if the run was cancelled.
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), pageTime)
	defer cancel()
	return errors.Join(err, s.save(saving, p))
}

func (p Pass) done() bool {
	for _, s := range p.Segments {
		if !s.Done {
			return false
		}
	}
	return true
}

// load finds the pass to go on with; due is false where the last one ended and the next is not due.
func (s *Sweeper) load(ctx context.Context) (p Pass, due bool, err error) {
	notes, err := s.cfg.Docs.Query(ctx, s.cfg.Region, Name(s.cfg.Region))
	if err != nil {
		return p, false, fmt.Errorf("read where the sweep is: %w", err)
	}
	now := s.cfg.Now().UTC()
	if raw, ok := notes[Running]; ok && json.Unmarshal(raw, &p) == nil && len(p.Segments) > 0 {
		if p.Ended.IsZero() {
			return p, true, nil
		}
		if now.Before(p.Started.Add(s.cfg.Every)) {
			return p, false, nil
		}
	}
	// Notes that cannot be read are no reason never to sweep again.
	return Pass{Region: s.cfg.Region, Started: now, Segments: make([]Segment, segments)}, true, nil
}

func (s *Sweeper) save(ctx context.Context, p Pass) error {
	if !p.Ended.IsZero() { // first the report: a crash between the two ends the pass once more, from its last place
		report := p
		report.Segments = nil
		if err := s.cfg.Docs.Put(ctx, s.cfg.Region, Name(s.cfg.Region), Report, report, keepNotes); err != nil {
			return fmt.Errorf("write the sweep's report: %w", err)
		}
	}
	if err := s.cfg.Docs.Put(ctx, s.cfg.Region, Name(s.cfg.Region), Running, p, keepNotes); err != nil {
		return fmt.Errorf("keep the sweep's place: %w", err)
	}
	return nil
}
