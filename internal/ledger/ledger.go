// Package ledger keeps the books of a sample (promise P6): of 1 % of the signals, the same ones everywhere, it notes
// what was accepted and what became of it, and compares the two.
//
//	ledger.go   the entries and where they stand
//	record.go   recorders around those of ingest, decide and act
//	compare.go  pure: entries in, what balances and what does not out
//
// Other signals cost a look at a flag. An entry that cannot be written is logged and forgotten: the books are about
// the loop, and must never stop it. The package knows no AWS.
package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// Kind is what an entry says of its signal.
type Kind string

// Kinds.
const (
	Accepted Kind = "accepted" // by ingest
	Through  Kind = "through"  // decide is through with it, whatever it decided
	Decided  Kind = "decided"  // these effects follow from it
	Ended    Kind = "ended"    // one of its effects came to an end
)

// Entry is one line of the books.
type Entry struct {
	Signal   string      `json:"signal"`
	Kind     Kind        `json:"kind"`
	At       time.Time   `json:"at"`
	Decision string      `json:"decision,omitempty"`
	Effects  []string    `json:"effects,omitempty"` // of Decided
	Effect   string      `json:"effect,omitempty"`  // of Ended
	Status   loop.Status `json:"status,omitempty"`  // of Ended
}

// sort is unique to what the entry says, so that repeating it changes nothing.
func (e Entry) sort() string {
	return e.Signal + "#" + string(e.Kind) + "#" + e.Decision + e.Effect
}

// Keep is how long entries are kept.
const Keep = 7 * 24 * time.Hour

// Name is under which a region's entries of an hour stand in `outputs`: every region writes only its own.
func Name(region string, hour time.Time) string {
	return "ledger#" + region + "#" + hour.UTC().Format("2006-01-02T15")
}

// Docs is where entries are written.
type Docs interface {
	Put(ctx context.Context, region, name, writer string, doc any, keep time.Duration) error
}

// Book writes a region's entries.
type Book struct {
	Region string
	Docs   Docs
	Now    func() time.Time
	Lost   func(ctx context.Context, err error) // hears of entries that could not be written
}

// Bounds of one write: entries at once, and the time that the loop waits for its books.
const (
	concurrency = 8
	patience    = 500 * time.Millisecond
)

func (b *Book) write(ctx context.Context, entries ...Entry) {
	if len(entries) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := b.Now().UTC()
	var group errgroup.Group
	group.SetLimit(concurrency)
	for _, e := range entries {
		e.At = now
		group.Go(func() error {
			return b.Docs.Put(ctx, b.Region, Name(b.Region, now), e.sort(), e, Keep)
		})
	}
	if err := group.Wait(); err != nil {
		b.Lost(ctx, fmt.Errorf("the ledger lacks entries: %w", err))
	}
}

// Decode reads entries as they are stored.
func Decode(docs map[string]json.RawMessage) ([]Entry, error) {
	entries := make([]Entry, 0, len(docs))
	for sort, raw := range docs {
		var e Entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("ledger entry %s: %w", sort, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}
