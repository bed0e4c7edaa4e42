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

	files   []int // of the events that message made
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

// message makes the batch one message as ingest would have sent it, and the events for counting. The input names the
// file, so that a decision can be told where it came from; acceptedAt is the event time.
func (b *batch) message() (body []byte, events []*rule.Event) {
	body = make([]byte, 0, 64+len(b.records)*400)
	body = append(body, `{"v":1,"items":[`...)
	events = make([]*rule.Event, 0, len(b.records))
	for _, r := range b.records {
		if _, err := ingest.ParseEvent(r.Signal); err != nil {
			b.refused = append(b.refused, refusal(r, err))
			continue
		}
		if len(events) > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"acceptedAt":"`...)
		body = r.At.UTC().AppendFormat(body, time.RFC3339Nano)
		body = append(body, `","input":"`...)
		body = strconv.AppendInt(body, int64(r.File), 10)
		body = append(body, `","signal":`...)
		body = append(body, r.Signal...)
		body = append(body, '}')
		b.files = append(b.files, r.File)
		events = append(events, rule.NewEvent(r.Signal, r.At))
	}
	return append(body, `]}`...), events
}

func refusal(r Record, err error) Refused {
	out := Refused{File: r.File, N: r.N, Code: loop.CodeOf(err), Detail: err.Error()}
	if ref, ok := err.(*loop.Refusal); ok { //nolint:errorlint // ingest's errors are refusals, unwrapped
		out.Detail = ref.Detail
	}
	return out
}
