package mem

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Outputs is the last known good outputs as one region sees them.
type Outputs struct {
	table  *Replicas
	region string
}

var _ act.Outputs = (*Outputs)(nil)

// NewOutputs returns the outputs of region.
func NewOutputs(table *Replicas, region string) *Outputs {
	return &Outputs{table: table, region: region}
}

func outputKey(region, key string) string { return "out#" + region + "#" + key }

const current = "v"

func (o *Outputs) call(ctx context.Context, name, key string, do func() error) error {
	err := o.table.fault.call(ctx, Op{Service: "outputs", From: o.region, Region: o.region, Name: name, Key: key}, do)
	if err != nil {
		return fmt.Errorf("%s output %s: %w", name, key, err)
	}
	return nil
}

// Write implements act.Outputs.
func (o *Outputs) Write(ctx context.Context, out loop.Output) error {
	out.WrittenAt = out.WrittenAt.UTC()
	doc, err := encode(out)
	if err != nil {
		return fmt.Errorf("encode output %s: %w", out.Key, err)
	}
	return o.call(ctx, "Write", out.Key, func() error {
		return o.table.put(o.region, outputKey(o.region, out.Key), current, doc, time.Time{}, func(old []byte) error {
			var stored loop.Output
			if old == nil {
				return nil
			}
			if err := json.Unmarshal(old, &stored); err != nil {
				return err
			}
			if stored.Fence > out.Fence {
				return loop.ErrFenced
			}
			return nil
		})
	})
}

// Read returns the output with the greatest fence that has reached this region; loop.ErrNotFound where there is none.
func (o *Outputs) Read(ctx context.Context, key string) (newest loop.Output, err error) {
	err = o.call(ctx, "Read", key, func() error {
		found := false
		for _, region := range o.table.names {
			for _, r := range o.table.scan(o.region, outputKey(region, key), false) {
				var out loop.Output
				if err := json.Unmarshal(r.doc, &out); err != nil {
					return err
				}
				if !found || out.Fence > newest.Fence {
					newest, found = out, true
				}
			}
		}
		if !found {
			return loop.ErrNotFound
		}
		return nil
	})
	return newest, err
}
