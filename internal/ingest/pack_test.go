package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// Few messages, none too large, nothing missing; what is counted as overhead is at least what is added.
func TestPacking(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ sizes, messages int }{
		"one":                {1, 1},
		"500 small":          {0, 1},
		"501 small":          {-1, 2},
		"seven of a quarter": {7, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []string
			switch {
			case tt.sizes > 0:
				for i := range tt.sizes {
					events = append(events, sized(t, fmt.Sprint(i), loop.MaxSignalBytes))
				}
			default:
				for i := range 500 - tt.sizes {
					events = append(events, event(fmt.Sprint(i)))
				}
			}
			q := &fakeQueue{}
			a, _ := setup(q)
			for i, r := range a.Accept(t.Context(), "shop", arrivals(t, events...)) {
				if r.Err != nil || r.Copies != 2 {
					t.Fatalf("event %d: %+v", i, r)
				}
			}
			if len(q.sent) != 2*tt.messages {
				t.Errorf("%d messages for two regions; want %d each", len(q.sent), tt.messages)
			}
			for _, s := range q.sent {
				if len(s.msg.Body) > maxPackBytes {
					t.Errorf("a message of %d bytes", len(s.msg.Body))
				}
			}
			if got := q.ids(t, oregon); len(got) != len(events) {
				t.Errorf("%d of %d signals", len(got), len(events))
			}
		})
	}
}

func TestItemOverheadCoversAnItem(t *testing.T) {
	t.Parallel()
	item := loop.Item{AcceptedAt: noon, Input: strings.Repeat("<", 64), Standby: true, Signal: []byte(`{}`)}
	p := place(nil, 0, item)[0]
	m, err := p.message("x", true)
	if err != nil || len(m.Body) > p.bytes || !bytes.Contains(m.Body, []byte(`"standby":true`)) {
		t.Errorf("%d bytes counted as %d: %v", len(m.Body), p.bytes, err)
	}
}
