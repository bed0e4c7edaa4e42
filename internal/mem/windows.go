package mem

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Windows is the window entries as one region sees them.
type Windows struct {
	table  *Replicas
	region string
}

var _ decide.Windows = (*Windows)(nil)

// NewWindows returns the windows of region.
func NewWindows(table *Replicas, region string) *Windows {
	return &Windows{table: table, region: region}
}

func windowKey(region string, ref decide.Ref) string {
	return "win#" + region + "#" + ref.RuleID + "#" + loop.KeyHash(ref.Key)
}

var (
	hitDoc   = []byte("hit")
	clearDoc = []byte("clear")
)

func (w *Windows) call(ctx context.Context, name string, ref decide.Ref, do func() error) error {
	err := w.table.fault.call(ctx, Op{Service: "windows", From: w.region, Region: w.region, Name: name, Key: ref.RuleID}, do)
	if err != nil {
		return fmt.Errorf("%s window of %s: %w", name, ref.RuleID, err)
	}
	return nil
}

// Put implements decide.Windows.
func (w *Windows) Put(ctx context.Context, ref decide.Ref, entries []decide.Entry, keep time.Duration) error {
	return w.call(ctx, "Put", ref, func() error {
		for _, e := range entries {
			from := w.table.now()
			if e.Pos.Time.After(from) {
				from = e.Pos.Time
			}
			doc := hitDoc
			if e.Clear {
				doc = clearDoc
			}
			if err := w.table.put(w.region, windowKey(w.region, ref), e.Pos.String(), doc, from.Add(keep), anything); err != nil {
				return err
			}
		}
		return nil
	})
}

// Around implements decide.Windows.
func (w *Windows) Around(ctx context.Context, ref decide.Ref, at loop.Position, after time.Time, hits int) (entries []decide.Entry, err error) {
	err = w.call(ctx, "Around", ref, func() error {
		for _, region := range w.table.names {
			part, err := around(w.table.scan(w.region, windowKey(region, ref), false), at, after, hits)
			if err != nil {
				return err
			}
			entries = append(entries, part...)
		}
		slices.SortStableFunc(entries, func(a, b decide.Entry) int { return a.Pos.Compare(b.Pos) })
		return nil
	})
	return entries, err
}

// around walks one region's entries from the newest back until it has enough.
func around(rows []row, at loop.Position, after time.Time, hits int) (entries []decide.Entry, err error) {
	for _, r := range slices.Backward(rows) {
		e := decide.Entry{Clear: string(r.doc) == string(clearDoc)}
		if e.Pos, err = loop.ParsePosition(r.sk); err != nil {
			return nil, err
		}
		if e.Pos.Compare(at) < 0 {
			if e.Clear || hits <= 0 || !e.Pos.Time.After(after) {
				continue
			}
			hits--
		}
		entries = append(entries, e)
	}
	return entries, nil
}
