package mem

import (
	"context"
	"encoding/json"
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
			doc, err := loop.Marshal(e)
			if err != nil {
				return err
			}
			if err := w.table.put(w.region, windowKey(w.region, ref), e.Pos.String(), doc, from.Add(keep), anything); err != nil {
				return err
			}
		}
		return nil
	})
}

// Around implements decide.Windows.
func (w *Windows) Around(ctx context.Context, ref decide.Ref, look decide.Look) (seen decide.Seen, err error) {
	err = w.call(ctx, "Around", ref, func() error {
		var shares []*decide.Reading
		for region := range w.table.regions {
			reading := look.Read()
			for _, r := range slices.Backward(w.table.scan(w.region, windowKey(region, ref), false)) {
				e, err := readEntry(r)
				if err != nil {
					return err
				}
				if !reading.Add(e) {
					break
				}
			}
			shares = append(shares, reading)
		}
		seen = look.Merge(shares...)
		return nil
	})
	return seen, err
}

func readEntry(r row) (e decide.Entry, err error) {
	if e.Pos, err = loop.ParsePosition(r.sk); err != nil {
		return e, err
	}
	return e, json.Unmarshal(r.doc, &e)
}
