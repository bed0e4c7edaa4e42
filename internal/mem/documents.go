package mem

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"example.com/unbroken/internal/loop"
)

// Documents is small JSON documents, several under one name, as a caller in one region writes and reads them in
// any region's table.
type Documents struct {
	table *Replicas
	from  string
}

// NewDocuments returns the documents as reached from a region.
func NewDocuments(table *Replicas, from string) *Documents {
	return &Documents{table: table, from: from}
}

func (d *Documents) call(ctx context.Context, method, region, name string, do func() error) error {
	err := d.table.fault.call(ctx, Op{Service: "documents", From: d.from, Region: region, Name: method, Key: name}, do)
	if err != nil {
		return fmt.Errorf("%s %s in %s: %w", method, name, region, err)
	}
	return nil
}

// Put stores doc under (name, writer) in region's table, in place of the one before. It is gone after keep;
// 0 keeps it.
func (d *Documents) Put(ctx context.Context, region, name, writer string, doc any, keep time.Duration) error {
	encoded, err := loop.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode %s/%s: %w", name, writer, err)
	}
	return d.call(ctx, "Put", region, name, func() error {
		var until time.Time
		if keep > 0 {
			until = d.table.now().Add(keep)
		}
		return d.table.put(region, name, writer, encoded, until, anything)
	})
}

// Query returns every document under name, by writer, as region's table has them.
func (d *Documents) Query(ctx context.Context, region, name string) (docs map[string]json.RawMessage, err error) {
	err = d.call(ctx, "Query", region, name, func() error {
		docs = map[string]json.RawMessage{}
		for _, r := range d.table.scan(region, name, true) {
			docs[r.sk] = r.doc
		}
		return nil
	})
	return docs, err
}
