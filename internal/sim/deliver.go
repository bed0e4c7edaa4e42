package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	regions "example.com/unbroken/internal/region"
)

// attempts is how often a producer sends a signal before it gives up.
const attempts = 15

// produce plans everything that the producer of a signal does: it sends to one region after another until it has
// a 202, or to two regions at once.
func (w *World) produce(i int) {
	s := &w.plan.Signals[i]
	if s.Input == "inbox" {
		w.clock.after(s.At, func() { w.drop(i, 0) })
		return
	}
	w.clock.after(s.At, func() { w.send(i, 0) })
	if s.AtOnce && len(s.Regions) > 1 {
		w.clock.after(s.At, func() { w.send(i, 1) })
	}
}

// send is one attempt over HTTP, and the next one where it failed.
func (w *World) send(i, n int) {
	s := &w.plan.Signals[i]
	w.book.tried(s)
	order := s.Regions
	if w.health != nil {
		order = w.health.order(order)
	}
	r := w.regions[order[n%len(order)]]
	failed := func(after time.Duration) {
		if n < attempts {
			w.clock.after(after, func() { w.send(i, n+1) })
		}
	}
	if w.down[r.name] || w.drained(r.name) || w.health != nil && w.health.refuses(r.name) {
		failed(500 * time.Millisecond)
		return
	}
	if w.deaf(r.name) {
		failed(time.Second)
		return
	}
	t := &task{what: loop.FuncIngestHTTP, region: r.name, ownFirst: w.rng.IntN(2) == 0}
	w.clock.spawn(t, func() {
		status, copies := r.post(t, s)
		switch {
		case t.dead: // the connection broke off
			failed(time.Second)
		case status == http.StatusAccepted:
			w.accept(s, r.name, copies)
			_ = w.hook(mem.Op{Service: opIngest, From: r.name, Region: r.name, Name: "Answer", Key: s.ID, When: mem.After})
		case status >= http.StatusInternalServerError:
			failed(time.Second)
		default:
			w.log(r.name, "%s refused with %d", s.ID, status)
			w.book.refuse(s)
		}
	})
}

// drained says whether the region refuses new signals, by the rules that all of it goes by. Its ingest answers 503 then;
// its decide and act go on.
func (w *World) drained(name string) bool {
	f := w.lasting(Drain, name)
	if f == nil {
		return false
	}
	if !regions.Refuses(w.clock.now, name, w.states()) {
		return false
	}
	w.result.Struck[f.Row]++
	return true
}

// deaf says whether the region's ingest fails on every request.
func (w *World) deaf(name string) bool {
	f := w.lasting(Deaf, name)
	if f != nil {
		w.result.Struck[f.Row]++
	}
	return f != nil
}

// post passes a signal to the region's HTTP handler, as API Gateway does.
func (r *region) post(t *task, s *Planned) (status, copies int) {
	body, err := s.signal().MarshalJSON()
	if err != nil {
		panic(err) // planned signals are well-formed
	}
	answer := serve(t, r.http, "/v1/signals/"+s.Input, body)
	var a ingest.Answer
	if answer.status == http.StatusAccepted && json.Unmarshal(answer.body.Bytes(), &a) == nil {
		copies = a.Copies
	}
	return answer.status, copies
}

// serve passes an event to a handler, as API Gateway does.
func serve(t *task, h http.Handler, path string, event []byte) *recorder {
	req, err := http.NewRequestWithContext(withTask(t), http.MethodPost, path, bytes.NewReader(event))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", ingest.MediaEvent)
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(answer, req)
	return answer
}

// drop is one attempt over SQS: the message is the producer's until it is stored in an inbox.
func (w *World) drop(i, n int) {
	s := &w.plan.Signals[i]
	w.book.tried(s)
	name := s.Regions[n%len(s.Regions)]
	body, err := s.signal().MarshalJSON()
	if err != nil {
		panic(err)
	}
	t := &task{what: "producer"}
	w.clock.spawn(t, func() {
		if w.queues.Send(withTask(t), name, loop.QueueInbox, []loop.Outgoing{{Body: body}})[0] != nil && n < attempts {
			w.clock.after(time.Second, func() { w.drop(i, n+1) })
		}
	})
}

// accept notes a 202, or ingest's acknowledgement of an inbox message.
func (w *World) accept(s *Planned, region string, copies int) {
	w.log(region, "202 %s %s %s in %d copies", s.ID, s.Type, s.Subject, copies)
	w.book.accepted = append(w.book.accepted, acceptance{s, region, copies, w.clock.now})
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.status = code }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
