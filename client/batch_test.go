package client

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestBatchesStayWithinTheLimits(t *testing.T) {
	t.Parallel()
	many := signals(1201)
	big := signals(10)
	for i := range big {
		big[i].Data = json.RawMessage(`"` + strings.Repeat("x", 200<<10) + `"`)
	}
	for name, in := range map[string][]Signal{"many": many, "big": big} {
		results := make([]Result, len(in))
		batches := split(in, results)
		next := 0
		for _, b := range batches {
			bodies := make([]json.RawMessage, len(b))
			for i, e := range b {
				if e.index != next {
					t.Fatalf("%s: event %d comes where %d should", name, e.index, next)
				}
				next++
				bodies[i] = e.body
			}
			if size := len(encode(bodies)); len(b) > loop.MaxBatchEvents || size > loop.MaxBodyBytes || !json.Valid(encode(bodies)) {
				t.Errorf("%s: a batch of %d events and %d bytes", name, len(b), size)
			}
		}
		if next != len(in) {
			t.Errorf("%s: %d of %d events in batches", name, next, len(in))
		}
	}
	if n := len(split(many, make([]Result, len(many)))); n != 3 {
		t.Errorf("1201 events in %d batches", n)
	}
}

// A body of exactly 1 MiB is allowed, one byte more is not.
func TestTheLastByteOfABatchCounts(t *testing.T) {
	t.Parallel()
	fit := func(extra int) int {
		in := signals(5)
		for i := range in {
			in[i].Data = json.RawMessage(`""`)
		}
		empty := 0
		for _, s := range in {
			b, _ := json.Marshal(s)
			empty += len(b)
		}
		fill := loop.MaxBodyBytes - empty - 6 + extra // 4 commas, 2 brackets
		for i := range in {
			n := fill / 5
			if i == 4 {
				n = fill - 4*(fill/5)
			}
			in[i].Data = json.RawMessage(`"` + strings.Repeat("x", n) + `"`)
		}
		return len(split(in, make([]Result, len(in))))
	}
	if n := fit(0); n != 1 {
		t.Errorf("exactly 1 MiB makes %d batches", n)
	}
	if n := fit(1); n != 2 {
		t.Errorf("1 MiB and a byte make %d batches", n)
	}
}

func TestWhatNoRegionTakesIsNotSent(t *testing.T) {
	t.Parallel()
	in := signals(3)
	in[0].Data = json.RawMessage(`"` + strings.Repeat("x", 256<<10) + `"`)
	in[1].Data = json.RawMessage(`{`)
	well := answering(accepts)
	c, err := New(Config{Endpoints: regions(well)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Send(t.Context(), in...)
	if err == nil || r.Results[0].Code != loop.CodeTooLarge || r.Results[1].Code != loop.CodeMalformed || r.Results[2].State != Accepted {
		t.Errorf("%+v %v", r, err)
	}
	if got := well.requests(); len(got) != 1 || len(got[0]) != 1 {
		t.Errorf("sent %v", got)
	}
}

func TestNobodyToSendTo(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err != ErrNoEndpoint { //nolint:errorlint // it is returned as it is
		t.Error(err)
	}
}
