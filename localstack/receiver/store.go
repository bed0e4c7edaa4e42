package receiver

import (
	"strings"
	"sync"
	"time"
)

// Delivery is one request as it arrived.
type Delivery struct {
	Seq            uint64    `json:"seq"` // from 1, without gaps
	At             time.Time `json:"at"`
	Method         string    `json:"method"`
	Path           string    `json:"path"`
	WebhookID      string    `json:"webhookId"`
	IdempotencyKey string    `json:"idempotencyKey,omitempty"`
	Timestamp      string    `json:"timestamp,omitempty"`
	Signature      string    `json:"signature,omitempty"`
	Verified       string    `json:"verified,omitempty"` // "yes", or why not; "" when nothing was verified
	ContentType    string    `json:"contentType,omitempty"`
	Body           string    `json:"body"`
	Attempt        int       `json:"attempt"` // how many of this webhook-id so far, among those still kept
	Status         int       `json:"status"`  // what it was answered
	Applied        bool      `json:"applied"` // whether it took effect
}

// Tally counts the deliveries of one webhook-id.
type Tally struct {
	Received int `json:"received"`
	Applied  int `json:"applied"`
}

// Report is what the receiver tells about itself.
type Report struct {
	Deliveries []Delivery       `json:"deliveries"`
	Counts     map[string]Tally `json:"counts"`  // per webhook-id, of the deliveries in this report
	Next       uint64           `json:"next"`    // give it as since to get what comes after this report
	Dropped    uint64           `json:"dropped"` // forgotten for want of room, since the last reset
}

// store keeps the newest deliveries within its bounds.
type store struct {
	maxDeliveries int
	maxBytes      int

	mu         sync.Mutex
	deliveries []Delivery
	perID      map[string]int
	bytes      int
	seq        uint64
	dropped    uint64
}

// add numbers a delivery, decides what the script does to it, and keeps it. One that already
// has a status was refused: the script is not asked and nothing was applied.
func (s *store) add(d Delivery, how script) Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.perID == nil {
		s.perID = map[string]int{}
	}
	s.seq++
	s.perID[d.WebhookID]++
	d.Seq, d.Attempt = s.seq, s.perID[d.WebhookID]
	if d.Status == 0 {
		d.Status, d.Applied = how.outcome(d.Attempt)
	}
	s.deliveries = append(s.deliveries, d)
	s.bytes += len(d.Body)
	for len(s.deliveries) > s.maxDeliveries || s.bytes > s.maxBytes && len(s.deliveries) > 1 {
		s.forgetOldest()
	}
	return d
}

func (s *store) forgetOldest() {
	oldest := s.deliveries[0]
	s.deliveries[0] = Delivery{} // let go of the body
	s.deliveries = s.deliveries[1:]
	s.bytes -= len(oldest.Body)
	s.dropped++
	if s.perID[oldest.WebhookID]--; s.perID[oldest.WebhookID] == 0 {
		delete(s.perID, oldest.WebhookID)
	}
}

// report returns what came after since under a path prefix.
func (s *store) report(since uint64, prefix string) Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Report{Deliveries: []Delivery{}, Counts: map[string]Tally{}, Next: s.seq, Dropped: s.dropped}
	for _, d := range s.deliveries {
		if d.Seq <= since || !strings.HasPrefix(d.Path, prefix) {
			continue
		}
		r.Deliveries = append(r.Deliveries, d)
		t := r.Counts[d.WebhookID]
		t.Received++
		if d.Applied {
			t.Applied++
		}
		r.Counts[d.WebhookID] = t
	}
	return r
}

// reset forgets all deliveries; numbering goes on, so that an old since stays valid.
func (s *store) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries, s.perID, s.bytes, s.dropped = nil, nil, 0, 0
}
