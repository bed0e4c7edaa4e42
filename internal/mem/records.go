package mem

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// Records is JSON records of a deployment by key, each linearizable over all regions.
type Records struct {
	mu    sync.Mutex
	docs  map[string]revised
	fault Fault
}

type revised struct {
	doc json.RawMessage
	rev int64
}

// NewRecords returns a table without records; fault may be nil.
func NewRecords(fault Fault) *Records { return &Records{docs: map[string]revised{}, fault: fault} }

// In returns the records as region sees them.
func (s *Records) In(region string) observe.Records { return recordsView{s, region} }

type recordsView struct {
	*Records
	region string
}

// call says claims for the service: they are records of that table.
func (v recordsView) call(ctx context.Context, name, key string, do func() error) error {
	err := v.fault.call(ctx, Op{Service: "claims", From: v.region, Region: v.region, Name: name, Key: key}, func() error {
		v.mu.Lock()
		defer v.mu.Unlock()
		return do()
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, key, err)
	}
	return nil
}

// Load implements observe.Records.
func (v recordsView) Load(ctx context.Context, key string) (doc json.RawMessage, rev int64, err error) {
	err = v.call(ctx, "Load", key, func() error {
		doc, rev = v.docs[key].doc, v.docs[key].rev
		return nil
	})
	return doc, rev, err
}

// Store implements observe.Records.
func (v recordsView) Store(ctx context.Context, key string, doc any, standing int64) error {
	encoded, err := loop.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return v.call(ctx, "Store", key, func() error {
		if v.docs[key].rev != standing {
			return loop.ErrConflict
		}
		v.docs[key] = revised{encoded, standing + 1}
		return nil
	})
}
