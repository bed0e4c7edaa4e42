package mem

import (
	"context"
	"fmt"
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
	return windowIn(region, ref.RuleID, loop.KeyHash(ref.Key))
}

func windowIn(region, ruleID, keyHash string) string {
	return "win#" + region + "#" + ruleID + "#" + keyHash
}

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
			if err := w.table.put(w.region, windowKey(w.region, ref), e.Pos.String(), entryDoc(e), from.Add(keep), anything); err != nil {
				return err
			}
		}
		return nil
	})
}

// Around implements decide.Windows.
func (w *Windows) Around(ctx context.Context, ref decide.Ref, look decide.Look) (seen decide.Seen, err error) {
	err = w.call(ctx, "Around", ref, func() error {
		hash := loop.KeyHash(ref.Key)
		shares := make([]*decide.Reading, 0, len(w.table.regions))
		var broken error
		for _, region := range w.table.names {
			reading := look.Read()
			w.table.walk(w.region, windowIn(region, ref.RuleID, hash), func(r row) bool {
				e, err := readEntry(r)
				if err != nil {
					broken = err
				}
				return err == nil && reading.Add(e)
			})
			shares = append(shares, reading)
		}
		seen = look.Merge(shares...)
		return broken
	})
	return seen, err
}
