package ingest

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// pathSignals is the one route: POST /v1/signals/{input}. Canaries come by it as to an input (canary.go).
const pathSignals = "/v1/signals/"

// HTTP is the way in for producers that speak HTTP. Its order is its trust: what is cheap to refuse comes
// first, and nothing is read that the input would not take.
type HTTP struct{ acceptor *Acceptor }

// NewHTTP makes the handler.
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
	if input == loop.CanaryInput && h.acceptor.cfg.Canaries != nil {
		h.canary(w, r)
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
	events, batch, err := h.read(r, input)
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
	if wait := h.acceptor.quotas.take(input, h.acceptor.cfg.Inputs[input].Quota, len(arrivals), h.acceptor.cfg.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		h.acceptor.refused(r.Context(), input, loop.CodeThrottled, len(arrivals))
		refuse(w, loop.Refuse(loop.CodeThrottled, "this input takes %d events a second; send them again later, with the same ids", h.acceptor.cfg.Inputs[input].Quota.PerSecond))
		return
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
	if loop.CodeOf(err) == loop.CodeUnsupported && cmp.Or(h.acceptor.cfg.Inputs[input].Format, loop.FormatCloudEvents) != loop.FormatCloudEvents {
		w.Header().Set("Accept", "application/json")
	}
	if loop.CodeOf(err) == loop.CodeUnauthorized { // https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
		w.Header().Set("WWW-Authenticate", h.acceptor.cfg.Inputs[input].Auth)
	}
	refuse(w, err)
}

// read takes the events out of a request, once it is known whose it is; an error is about the request as a whole.
func (h *HTTP) read(r *http.Request, input string) (events []parsed, batch bool, err error) {
	cfg := h.acceptor.cfg
	in := cfg.Inputs[input]
	if err := checkHeaders(r.Header); err != nil {
		return nil, false, err
	}
	wire, err := readBody(r)
	if err != nil {
		return nil, false, err
	}
	caller, err := h.acceptor.authenticate(r, in, wire)
	if err != nil {
		return nil, false, err
	}
	body, err := unpack(r.Header, wire)
	if err != nil {
		return nil, false, err
	}
	events, batch, err = formatOf(in.Format)(delivery{name: input, input: in, mapper: cfg.Mapper, header: r.Header, body: body})
	for i := range events {
		if events[i].err == nil {
			events[i].err = caller.check(in, events[i].signal)
		}
	}
	return events, batch, err
}
