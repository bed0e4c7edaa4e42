package ingest

import (
	"net/http"
	"strings"

	"example.com/unbroken/internal/loop"
)

// pathSignals is the one route: POST /v1/signals/{input}.
const pathSignals = "/v1/signals/"

// HTTP is the way in for producers that speak HTTP. Its order is its trust: what is cheap to refuse comes
// first, and nothing is read that the input would not take.
type HTTP struct{ acceptor *Acceptor }

// NewHTTP makes the handler. Who may call it is decided in front of it.
func NewHTTP(a *Acceptor) *HTTP { return &HTTP{acceptor: a} }

var _ http.Handler = (*HTTP)(nil)

// ServeHTTP implements http.Handler. It matches the path itself: a mux would answer an unclean path with a
// redirect, and a signal must not wander.
func (h *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	input, ok := strings.CutPrefix(r.URL.Path, pathSignals)
	if !ok || input == "" || strings.Contains(input, "/") {
		refuse(w, loop.Refuse(loop.CodeNotFound, "there is nothing here; signals go to POST %s{input}", pathSignals))
		return
	}
	if h.acceptor.cfg.Inputs[input].Kind != loop.KindHTTP {
		h.refuse(w, r, "", loop.Refuse(loop.CodeUnknownInput, "there is no input of this name and kind %s", loop.KindHTTP))
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, r, input, loop.Refuse(loop.CodeMethod, "use POST"))
		return
	}
	events, batch, err := read(r)
	if err != nil {
		h.refuse(w, r, input, err)
		return
	}
	var arrivals []Arrival
	var waiting []int // arrivals -> events
	for i, e := range events {
		if e.err != nil {
			h.acceptor.refused(r.Context(), input, loop.CodeOf(e.err), 1)
			continue
		}
		arrivals = append(arrivals, Arrival{Signal: e.signal})
		waiting = append(waiting, i)
	}
	results := make([]Result, len(events))
	for i, e := range events {
		results[i].Err = e.err
	}
	if len(arrivals) > 0 {
		for i, result := range h.acceptor.Accept(r.Context(), input, arrivals) {
			results[waiting[i]] = result
		}
	}
	answer(w, events, results, batch)
}

func (h *HTTP) refuse(w http.ResponseWriter, r *http.Request, input string, err error) {
	h.acceptor.refused(r.Context(), input, loop.CodeOf(err), 1)
	refuse(w, err)
}

// read takes the events out of a request in whichever mode it has; an error is about the request as a whole.
func read(r *http.Request) (events []parsed, batch bool, err error) {
	mode, err := modeOf(r.Header)
	if err != nil {
		return nil, false, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, false, err
	}
	var signal loop.Signal
	switch mode {
	case batched:
		events, err = parseBatch(body)
		return events, true, err
	case structured:
		signal, err = ParseEvent(body)
	case binary:
		signal, err = parseBinary(r.Header, body)
	}
	return []parsed{{raw: body, signal: signal, err: err}}, false, nil
}
