package ingest

import (
	"context"
	"encoding/json"
	"fmt"

	"example.com/unbroken/internal/loop"
)

// Fetcher reads what an endpoint says. secret is the reference of the key that it asks for, or "".
type Fetcher interface {
	Fetch(ctx context.Context, url, secret string) (body []byte, err error)
}

// page makes signals of what an endpoint says: of one object, or of each in a list. As long as it says the same, it is
// read and nothing comes of it. What cannot be made a signal is counted as refused: there is nobody to answer, and the
// endpoint still says it to who looks.
func (p *Poller) page(ctx context.Context, name string, in loop.Input, c loop.Cursor, _ span) (arrivals []Arrival, next loop.Cursor, err error) {
	body, err := p.fetcher.Fetch(ctx, in.URL, in.Secret)
	if err != nil {
		return nil, next, err
	}
	next.Page = loop.H("page", string(body))
	if next.Page == c.Page {
		return nil, next, nil
	}
	sound, err := canonical(body, 1)
	if err != nil {
		return nil, next, fmt.Errorf("what the endpoint says: %w", err)
	}
	entries := []json.RawMessage{sound}
	if sound[0] == '[' {
		if err := json.Unmarshal(sound, &entries); err != nil {
			return nil, next, fmt.Errorf("what the endpoint says: %w", err)
		}
	}
	if len(entries) > loop.MaxBatchEvents {
		return nil, next, fmt.Errorf("the endpoint lists %d entries; at most %d are taken", len(entries), loop.MaxBatchEvents)
	}
	for _, entry := range entries {
		made := mapped(name, in, p.acceptor.cfg.Mapper, entry)
		if made.err == nil {
			made.err = grant{}.check(in, made.signal)
		}
		if made.err != nil {
			p.acceptor.refused(ctx, name, loop.CodeOf(made.err), 1)
			continue
		}
		arrivals = append(arrivals, Arrival{Signal: made.signal})
	}
	return arrivals, next, nil
}
