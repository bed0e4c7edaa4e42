package backtest

import (
	"strconv"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// batchSize is how many signals are decided as one message. It is part of the result only where a file is out of
// order: within a message decide orders signals by time, as it does in production.
const batchSize = 256

// batch is a run of the stream on its way through both sides.
type batch struct {
	records []Record
	turns   []turn    // one per side
	newest  time.Time // event time of the newest record: the present, to decide

	old     *Outcome
	new     Outcome
	refused []Refused
	err     error
	done    chan struct{} // closed once old, new, refused and err stand
}

// turn is a batch's place in the line of one side: its state is touched after the batch before has done so.
type turn struct {
	before <-chan struct{}
	after  chan struct{}
}

// Refused is a recorded signal that ingest would not have taken.
type Refused struct {
	File, N int
	Code    loop.Code
	Detail  string
}

// events are the batch's signals that ingest would have taken, and those that enter behind it: what the loop itself tells
// of inputs and regions, which a rule's tests have to play.
func (b *batch) events() []event {
	events := make([]event, 0, len(b.records))
	for _, r := range b.records {
		if _, err := ingest.ParseEvent(r.Signal); err != nil {
			if own := rule.NewEvent(r.Signal, r.At); loop.CodeOf(err) == loop.CodeReserved && own.Source() == loop.WatcherSource {
				events = append(events, event{own, r})
				continue
			}
			b.refused = append(b.refused, refusal(r, err))
			continue
		}
		events = append(events, event{rule.NewEvent(r.Signal, r.At), r})
	}
	return events
}

type event struct {
	*rule.Event
	Record
}

// taken is what a side has to decide: events are the items' signals, which have been read once for all sides.
type taken struct {
	items  []loop.Item
	events []*rule.Event
}

// items are those of the events that a pattern of the set takes, as ingest would have sent them, and how many each
// pattern takes. The others would be unmatched, and need not be looked at again to find that out. The input names the
// file, so that a decision can be told where it came from; acceptedAt is the event time.
func items(set *rule.Set, events []event) (in taken, matched map[Place]int) {
	matched = map[Place]int{}
	for _, ev := range events {
		takes := false
		for _, p := range set.Candidates(ev.Type()) {
			if p.Match(ev.Event) {
				matched[Place{p.ID(), ev.File}]++
				takes = true
			}
		}
		if !takes {
			continue
		}
		if in.items == nil {
			in.items, in.events = make([]loop.Item, 0, len(events)), make([]*rule.Event, 0, len(events))
		}
		in.items = append(in.items, loop.Item{AcceptedAt: ev.At.UTC(), Input: strconv.Itoa(ev.File), Signal: ev.Signal})
		in.events = append(in.events, ev.Event)
	}
	return in, matched
}

func refusal(r Record, err error) Refused {
	out := Refused{File: r.File, N: r.N, Code: loop.CodeOf(err), Detail: err.Error()}
	if ref, ok := err.(*loop.Refusal); ok { //nolint:errorlint // ingest's errors are refusals, unwrapped
		out.Detail = ref.Detail
	}
	return out
}
