package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// Store keeps objects. Putting one again replaces it.
type Store interface {
	Put(ctx context.Context, key string, body []byte) error
}

// Recorder hears what became of signals, for logs and metrics.
type Recorder interface {
	Archived(ctx context.Context, key string, signals int)
	// Failed is called for messages that come again, and end as dead letters if they never succeed.
	Failed(ctx context.Context, messages int, cause error)
}

// Handler is the queue stage.
type Handler struct {
	Region   string
	Store    Store
	Recorder Recorder
}

// shelf is where messages belong together.
type shelf struct {
	input string
	hour  time.Time
}

type object struct {
	first    time.Time
	lines    bytes.Buffer
	signals  int
	messages []string // ids
}

// Handle writes an object for each input and hour of the batch, and returns the ids of the messages that must be
// delivered again. A message has one input and one acceptedAt, since one call of ingest made it.
func (h *Handler) Handle(ctx context.Context, msgs []loop.Message) (failed []string) {
	objects := map[shelf]*object{}
	var order []shelf
	for _, m := range msgs {
		items, err := decode(m.Body)
		if err != nil {
			h.Recorder.Failed(ctx, 1, fmt.Errorf("message %s: %w", m.ID, err))
			failed = append(failed, m.ID)
			continue
		}
		at := items[0].AcceptedAt.UTC()
		s := shelf{items[0].Input, at.Truncate(time.Hour)}
		o := objects[s]
		if o == nil {
			o = &object{first: at}
			objects[s] = o
			order = append(order, s)
		}
		if at.Before(o.first) {
			o.first = at
		}
		o.add(m.ID, items)
	}
	for _, s := range order {
		o := objects[s]
		key, err := h.put(ctx, s, o)
		if err != nil {
			h.Recorder.Failed(ctx, len(o.messages), err)
			failed = append(failed, o.messages...)
			continue
		}
		h.Recorder.Archived(ctx, key, o.signals)
	}
	return failed
}

func decode(body []byte) ([]loop.Item, error) {
	var e loop.Envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("decode the envelope: %w", err)
	}
	switch {
	case e.V != loop.EnvelopeVersion:
		return nil, fmt.Errorf("the message has version %d; this function knows %d", e.V, loop.EnvelopeVersion)
	case len(e.Items) == 0:
		return nil, loop.Refuse(loop.CodeMalformed, "the message holds nothing")
	}
	return e.Items, nil
}

func (o *object) add(message string, items []loop.Item) {
	for _, it := range items {
		o.lines.Write(timed(it))
		o.lines.WriteByte('\n')
	}
	o.signals += len(items)
	o.messages = append(o.messages, message)
}

// timed is the item's signal with a time. One that has none is decided by when it was accepted, and so it is in the
// archive, where nothing else would tell.
func timed(it loop.Item) []byte {
	var has struct {
		Time json.RawMessage `json:"time"`
	}
	if err := json.Unmarshal(it.Signal, &has); err != nil || len(has.Time) > 0 || !bytes.HasPrefix(it.Signal, []byte("{")) {
		return it.Signal
	}
	return slices.Concat([]byte(`{"time":"`+it.AcceptedAt.UTC().Format(time.RFC3339Nano)+`",`), it.Signal[1:])
}

func (h *Handler) put(ctx context.Context, s shelf, o *object) (key string, err error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(o.lines.Bytes()); err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	key = Prefix(h.Region, s.input, s.hour) + o.name()
	if err := h.Store.Put(ctx, key, packed.Bytes()); err != nil {
		return "", fmt.Errorf("put %s: %w", key, err)
	}
	return key, nil
}

// name sorts by when the first signal was accepted. The same messages give the same name: a batch whose answer was
// lost replaces itself.
func (o *object) name() string {
	ids := slices.Sorted(slices.Values(o.messages))
	return o.first.Format("0405.000000000") + "-" + loop.H("archive", strings.Join(ids, "\n"))[:12] + ".jsonl.gz"
}

// Prefix is under which an hour of an input is kept.
func Prefix(region, input string, hour time.Time) string {
	return path.Join("archive", region, input, hour.UTC().Format("2006/01/02/15")) + "/"
}
