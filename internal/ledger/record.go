package ledger

import (
	"context"
	"encoding/json"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
)

// Ingest notes what was accepted.
type Ingest struct {
	ingest.Observer
	Book *Book
}

// Accepted implements ingest.Observer. It is called before the producer has its answer: what was never answered is
// not owed, and may be in the books all the same.
func (r Ingest) Accepted(ctx context.Context, input string, keys []string, copies int) {
	r.Observer.Accepted(ctx, input, keys, copies)
	var entries []Entry
	for _, key := range keys {
		if loop.Sampled(key) {
			entries = append(entries, Entry{Signal: key, Kind: Accepted})
		}
	}
	r.Book.write(ctx, entries...)
}

// Decide notes which signals it is through with, and what follows from them.
type Decide struct {
	decide.Recorder
	Book *Book
}

// Decided implements decide.Recorder. The decision names its signal; the item may be another one of the same key.
func (r Decide) Decided(ctx context.Context, d loop.Decision, item loop.Item) {
	r.Recorder.Decided(ctx, d, item)
	if !loop.Sampled(d.SignalKey) {
		return
	}
	var effects []string
	if d.Joins == nil { // a group's effects are booked with the group
		for _, e := range d.Effects {
			effects = append(effects, e.ID)
		}
	}
	r.Book.write(ctx, Entry{Signal: d.SignalKey, Kind: Decided, Decision: d.ID, Effects: effects})
}

// Batch implements decide.Recorder. Ingest marked the sampled items, so that the others are not decoded for this.
func (r Decide) Batch(ctx context.Context, items []loop.Item, unmatched int) {
	r.Recorder.Batch(ctx, items, unmatched)
	var entries []Entry
	for _, it := range items {
		var id struct{ Source, ID string }
		if it.Sampled && json.Unmarshal(it.Signal, &id) == nil {
			entries = append(entries, Entry{Signal: loop.SignalKey(id.Source, id.ID), Kind: Through})
		}
	}
	r.Book.write(ctx, entries...)
}

// Act notes how effects end.
type Act struct {
	act.Recorder
	Book *Book
}

// Landed implements act.Recorder. A repeat is noted too: the first region may have died between its commit and here.
func (r Act) Landed(ctx context.Context, l *act.Landing) {
	r.Recorder.Landed(ctx, l)
	if e := l.Item.Effect; loop.Sampled(e.SignalKey) {
		r.Book.write(ctx, Entry{Signal: e.SignalKey, Kind: Ended, Effect: e.ID, Status: l.Status})
	}
}
