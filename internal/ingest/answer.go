package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"example.com/unbroken/internal/loop"
)

// Answer is the body of a 202: what became of each event of the request, by its index. Copies is the smallest
// number of regions in which any accepted one is stored.
type Answer struct {
	Accepted []Accepted `json:"accepted"`
	Rejected []Rejected `json:"rejected"`
	Copies   int        `json:"copies"`
}

// Accepted is one event that is durably stored. Key identifies it in every region.
type Accepted struct {
	Index  int    `json:"index"`
	Source string `json:"source"`
	ID     string `json:"id"`
	Key    string `json:"key"`
}

// Rejected is one event that is not. With code `unavailable` it may be sent again as it is.
type Rejected struct {
	Index   int       `json:"index"`
	Code    loop.Code `json:"code"`
	Detail  string    `json:"detail"`
	Pointer string    `json:"pointer,omitempty"` // RFC 6901: the place in the event
}

// Problem is a refusal: https://www.rfc-editor.org/rfc/rfc9457
type Problem struct {
	Type     string     `json:"type"`
	Title    string     `json:"title"`
	Status   int        `json:"status"`
	Detail   string     `json:"detail,omitempty"`
	Code     loop.Code  `json:"code"`
	Pointer  string     `json:"pointer,omitempty"` // RFC 6901: the place in the event that is wrong
	Accepted []Accepted `json:"accepted,omitempty"`
	Rejected []Rejected `json:"rejected,omitempty"`
}

// Media type and type prefix of a Problem.
const (
	MediaProblem  = loop.MediaProblem
	ProblemPrefix = loop.ProblemPrefix
)

// retryAfter is in seconds. The same region may be well again in one; a hedging client is elsewhere before.
const retryAfter = "1"

type titled struct {
	status int
	title  string
}

var titles = map[loop.Code]titled{
	loop.CodeMalformed:      {http.StatusBadRequest, "Malformed input"},
	loop.CodeInvalidEvent:   {http.StatusBadRequest, "Not a valid CloudEvent"},
	loop.CodeInvalidData:    {http.StatusBadRequest, "Not the data of this input"},
	loop.CodeReserved:       {http.StatusBadRequest, "Reserved source or type"},
	loop.CodeUnauthorized:   {http.StatusUnauthorized, "Not authorized"},
	loop.CodeForbidden:      {http.StatusForbidden, "Not your source"},
	loop.CodeTimeOutOfRange: {http.StatusBadRequest, "Time out of range"},
	loop.CodeTooLarge:       {http.StatusRequestEntityTooLarge, "Too large"},
	loop.CodeBatchTooLarge:  {http.StatusRequestEntityTooLarge, "Too many events"},
	loop.CodeUnsupported:    {http.StatusUnsupportedMediaType, "Unsupported media type"},
	loop.CodeUnknownInput:   {http.StatusNotFound, "Unknown input"},
	loop.CodeNotFound:       {http.StatusNotFound, "Not found"},
	loop.CodeThrottled:      {http.StatusTooManyRequests, "Too many signals"},
	loop.CodeUnavailable:    {http.StatusServiceUnavailable, "Not durably stored"},
	loop.CodeMethod:         {http.StatusMethodNotAllowed, "Method not allowed"},
}

// answer writes what became of the events. A batch with even one event that could not be stored is a 503 and
// not a 202: a producer that looks at the status alone then sends all of it again, which changes nothing for
// the events that are stored, while a 202 would lose the others.
func answer(w http.ResponseWriter, events []parsed, results []Result, batch bool) {
	a := Answer{Accepted: []Accepted{}, Rejected: []Rejected{}}
	var first, decisive *loop.Refusal
	mixed := false
	for i, r := range results {
		if r.Err == nil {
			s := events[i].signal
			a.Accepted = append(a.Accepted, Accepted{Index: i, Source: s.Source, ID: s.ID, Key: r.Key})
			if a.Copies == 0 || r.Copies < a.Copies {
				a.Copies = r.Copies
			}
			continue
		}
		why := refusal(r.Err)
		a.Rejected = append(a.Rejected, Rejected{Index: i, Code: why.Code, Detail: why.Detail, Pointer: why.Pointer})
		if first == nil {
			first = why
		}
		mixed = mixed || why.Code != first.Code
		if why.Code == loop.CodeUnavailable {
			decisive = why
		}
	}
	if decisive == nil && (len(a.Accepted) > 0 || first == nil) {
		write(w, http.StatusAccepted, "application/json", a)
		return
	}
	if !batch {
		refuse(w, first)
		return
	}
	p := problem(first)
	if decisive != nil {
		p = problem(decisive)
	} else if mixed {
		p.Status = http.StatusBadRequest
	}
	p.Pointer = "" // of the first one: each has its own in rejected
	p.Detail = fmt.Sprintf("%d of %d events were not accepted; see rejected", len(a.Rejected), len(results))
	p.Accepted, p.Rejected = a.Accepted, a.Rejected
	writeProblem(w, p)
}

// refuse answers a request as a whole.
func refuse(w http.ResponseWriter, err error) { writeProblem(w, problem(refusal(err))) }

// refusal finds the refusal in err. Anything else is our fault, and its text stays inside.
func refusal(err error) *loop.Refusal {
	if r, ok := errors.AsType[*loop.Refusal](err); ok {
		return r
	}
	return &loop.Refusal{Code: loop.CodeUnavailable, Detail: "send it again"}
}

func problem(r *loop.Refusal) Problem {
	t, known := titles[r.Code]
	if !known {
		t = titled{http.StatusBadRequest, "Refused"}
	}
	return Problem{Type: ProblemPrefix + string(r.Code), Title: t.title, Status: t.status, Detail: r.Detail, Code: r.Code, Pointer: r.Pointer}
}

func writeProblem(w http.ResponseWriter, p Problem) {
	switch p.Status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusUnsupportedMediaType: // https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16
		if w.Header().Get("Accept") == "" {
			w.Header().Set("Accept", MediaEvent+", "+MediaBatch)
		}
		w.Header().Set("Accept-Encoding", "gzip")
	}
	write(w, p.Status, MediaProblem, p)
}

func write(w http.ResponseWriter, status int, media string, body any) {
	b, err := json.Marshal(body)
	if err != nil { // cannot happen: the types above hold text and numbers
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the producer is gone; it will ask again with the same ids
}
