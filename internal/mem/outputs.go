package mem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// outputItem is an item: the present version and the earlier ones, newest first.
type outputItem struct {
	loop.Output
	Earlier []loop.Output `json:"earlier,omitempty"`
}

// errRepeated ends a write that finds itself in the table.
var errRepeated = errors.New("written before")

// Write implements act.Outputs.
func (o *Outputs) Write(ctx context.Context, out loop.Output) error {
	out.WrittenAt = out.WrittenAt.UTC()
	return o.call(ctx, "Write", out.Key, func() error {
		err := o.table.update(o.region, outputKey(o.region, out.Key), current, func(old []byte) ([]byte, error) {
			next := outputItem{Output: out}
			if old != nil {
				var before outputItem
				if err := json.Unmarshal(old, &before); err != nil {
					return nil, err
				}
				switch c := out.CompareVersion(before.Output); {
				case c == 0:
					return nil, errRepeated
				case c < 0:
					return nil, loop.ErrFenced
				}
				next.Earlier = append([]loop.Output{before.Output.Earlier()}, before.Earlier...)
				next.Earlier = next.Earlier[:min(len(next.Earlier), loop.MaxOutputVersions-1)]
			}
			return loop.Marshal(next)
		})
		if errors.Is(err, errRepeated) {
			return nil
		}
		return err
	})
}

// items are every region's item of key, as far as it has reached this region.
func (o *Outputs) items(key string) (items []outputItem, err error) {
	for _, region := range o.table.names {
		for _, r := range o.table.scan(o.region, outputKey(region, key), false) {
			var it outputItem
			if err := json.Unmarshal(r.doc, &it); err != nil {
				return nil, err
			}
			items = append(items, it)
		}
	}
	if len(items) == 0 {
		return nil, loop.ErrNotFound
	}
	return items, nil
}

func newest(items []outputItem) loop.Output {
	return slices.MaxFunc(items, func(a, b outputItem) int { return a.Compare(b.Output) }).Output
}

// Read returns the newest version of key that has reached this region; loop.ErrNotFound where there is none.
func (o *Outputs) Read(ctx context.Context, key string) (out loop.Output, err error) {
	err = o.call(ctx, "Read", key, func() error {
		items, err := o.items(key)
		if err == nil {
			out = newest(items)
		}
		return err
	})
	return out, err
}

// History returns the newest versions of key over all regions, newest first; loop.ErrNotFound where there is none.
func (o *Outputs) History(ctx context.Context, key string) (versions []loop.Output, err error) {
	err = o.call(ctx, "History", key, func() error {
		items, err := o.items(key)
		for _, it := range items {
			versions = append(append(versions, it.Output), it.Earlier...)
		}
		versions = loop.NewestVersions(versions)
		return err
	})
	return versions, err
}

// List returns the present versions, without their values, of at most limit keys that start with prefix and follow
// after; next is where the next page begins, "" where there is none.
func (o *Outputs) List(ctx context.Context, prefix, after string, limit int) (page []loop.Output, next string, err error) {
	err = o.call(ctx, "List", prefix, func() error {
		var keys []string
		for _, region := range o.table.names {
			own := outputKey(region, "")
			for _, pk := range o.table.partitions(o.region, own+prefix) {
				if key := strings.TrimPrefix(pk, own); key > after {
					keys = append(keys, key)
				}
			}
		}
		slices.Sort(keys)
		keys = slices.Compact(keys)
		if len(keys) > limit {
			keys, next = keys[:limit], keys[limit-1]
		}
		for _, key := range keys {
			items, err := o.items(key)
			if err != nil {
				return err
			}
			out := newest(items)
			out.Value = nil
			page = append(page, out)
		}
		return nil
	})
	return page, next, err
}
