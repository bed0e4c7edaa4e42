package ingest

import (
	"context"
	"net/http"

	"example.com/unbroken/internal/loop"
)

// Canaries tells the region's own canaries from whatever else calls itself one; package canary does. kind is the way that it
// came in. Its errors are refusals: loop.CodeUnavailable where nobody can tell now, loop.CodeTimeOutOfRange for one that is genuine
// and that nobody waits for any more.
type Canaries interface {
	Verify(ctx context.Context, kind string, s loop.Signal) error
}

// canary stores one that is genuine. It is nobody's signal: no input's policy, quota, schema, archive or ledger is asked, no
// copy goes to a peer, for it measures this region, and nobody counts it. It counts from when it was sent, so that its
// latency is that of the whole chain.
func (a *Acceptor) canary(ctx context.Context, kind string, raw []byte) (loop.Signal, error) {
	s, err := parse(raw, (*draft).canary)
	if err != nil {
		return s, err
	}
	if err := a.cfg.Canaries.Verify(ctx, kind, s); err != nil {
		return s, err
	}
	body, err := encodeCanary(kind, s)
	if err != nil {
		return s, err
	}
	for _, err := range a.send(ctx, a.cfg.Region, loop.QueueSignals, []loop.Outgoing{{Body: body, Group: loop.CanaryRule}}) {
		if err != nil {
			return s, loop.Refuse(loop.CodeUnavailable, "the canary could not be stored")
		}
	}
	return s, nil
}

func encodeCanary(kind string, s loop.Signal) ([]byte, error) {
	raw, err := s.MarshalJSON()
	if err != nil {
		return nil, loop.Refuse(loop.CodeMalformed, "the event cannot be written as JSON")
	}
	return loop.Encode(loop.Item{AcceptedAt: s.Time, Input: kind, Signal: raw})
}

// canary answers POST loop.CanaryPath.
func (h *HTTP) canary(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, loop.Refuse(loop.CodeMethod, "use POST"))
		return
	}
	body, err := readBody(r)
	var s loop.Signal
	if err == nil {
		s, err = h.acceptor.canary(r.Context(), loop.KindHTTP, body)
	}
	if err != nil {
		if isForged(err) {
			h.acceptor.refused(r.Context(), "", loop.CodeOf(err), 1)
		}
		refuse(w, err)
		return
	}
	answer(w, []parsed{{signal: s}}, []Result{{Key: s.Key(), Copies: 1}}, false)
}

// isForged says whether what was refused was no canary of this region's sender.
func isForged(err error) bool {
	code := loop.CodeOf(err)
	return code != loop.CodeUnavailable && code != loop.CodeTimeOutOfRange
}

// canary takes what a message has if it is one, and says whether it was: what is forged remains to be quarantined, with err. One
// that an outage kept here for too long is done with: its receipt was missed in time, and there is nothing for a person to do.
func (b *Inbox) canary(ctx context.Context, p parsed) (was, again bool, err error) {
	if !b.canaries || loop.CodeOf(p.err) != loop.CodeReserved {
		return false, false, p.err
	}
	_, err = b.acceptor.canary(ctx, loop.KindQueue, p.raw)
	if err == nil || !isForged(err) {
		return true, loop.CodeOf(err) == loop.CodeUnavailable, nil
	}
	if loop.CodeOf(err) != loop.CodeReserved {
		err = p.err // no event of its own, but something around one
	}
	return false, false, err
}
