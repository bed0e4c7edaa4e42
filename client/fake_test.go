package client

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"example.com/unbroken/internal/loop"
)

// region is a region that answers from a script: the n-th request gets the n-th answer, and the last one stays.
type region struct {
	script []func(ctx context.Context, events []json.RawMessage) ([]Verdict, error)

	mu   sync.Mutex
	seen [][]string // ids of each request
	raw  []string
}

func (r *region) Deliver(ctx context.Context, events []json.RawMessage) ([]Verdict, error) {
	r.mu.Lock()
	n := len(r.seen)
	var ids []string
	for _, e := range events {
		var s struct{ ID string }
		_ = json.Unmarshal(e, &s)
		ids = append(ids, s.ID)
	}
	r.seen = append(r.seen, ids)
	r.raw = append(r.raw, string(encode(events)))
	answer := r.script[min(n, len(r.script)-1)]
	r.mu.Unlock()
	return answer(ctx, events)
}

func (r *region) requests() [][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

func accepts(_ context.Context, events []json.RawMessage) ([]Verdict, error) {
	v := make([]Verdict, len(events))
	for i := range v {
		v[i] = Verdict{State: Accepted, Copies: 2}
	}
	return v, nil
}

// swallows takes the request and never answers, like a region whose packets are dropped.
func swallows(ctx context.Context, _ []json.RawMessage) ([]Verdict, error) {
	<-ctx.Done()
	return nil, &Unavailable{Cause: ctx.Err()}
}

func fails(err error) func(context.Context, []json.RawMessage) ([]Verdict, error) {
	return func(context.Context, []json.RawMessage) ([]Verdict, error) { return nil, err }
}

func regions(rs ...*region) []Endpoint {
	var es []Endpoint
	for i, r := range rs {
		es = append(es, Endpoint{Region: fmt.Sprintf("r%d", i+1), Via: r})
	}
	return es
}

func answering(script ...func(context.Context, []json.RawMessage) ([]Verdict, error)) *region {
	return &region{script: script}
}

func signals(n int) []Signal {
	s := make([]Signal, n)
	for i := range s {
		s[i] = Signal{ID: fmt.Sprint("id-", i), Source: "test", Type: "com.example.t"}
	}
	return s
}

var errDown = &Unavailable{Cause: loop.Refuse(loop.CodeUnavailable, "down")}

func once(verdicts []Verdict) func(context.Context, []json.RawMessage) ([]Verdict, error) {
	return func(context.Context, []json.RawMessage) ([]Verdict, error) { return verdicts, nil }
}
