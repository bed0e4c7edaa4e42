package outputs

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// Documents reads the items that observers and operators wrote into this region's table.
type Documents interface {
	Query(ctx context.Context, region, pk string) (map[string]json.RawMessage, error)
}

// RegionState is an entry `state#{region}`: what one writer wants of the region.
type RegionState struct {
	State string    `json:"state"` // active | drained
	At    time.Time `json:"at"`
}

// Drained is the state of a region that takes no new signals.
const Drained = "drained"

// objections is how many fresh verdicts against a region take it out: one observer may lie.
const objections = 2

// cacheFor bounds how often a flood of checks reaches the table.
const cacheFor = time.Second

// healthPatience bounds a look at the table: Route 53's checkers wait two seconds for an answer.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
const healthPatience = 1500 * time.Millisecond

// Health answers GET /v1/health without any detail: 200 where this region should take signals, 503 where not.
// What it asks, it asks of its own region's table; where that does not answer, the region is not whole.
type Health struct {
	Region string
	Docs   Documents
	Now    func() time.Time

	mu    sync.Mutex
	at    time.Time
	fit   bool
	known bool
}

// ServeHTTP implements http.Handler.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, text := http.StatusOK, "ok"
	if !h.Fit(r.Context()) {
		status, text = http.StatusServiceUnavailable, "unavailable"
	}
	w.Header().Set("Cache-Control", "no-store")
	write(w, status, loop.ContentJSON, map[string]string{"status": text})
}

// Fit says whether the region should take signals; the answer is at most cacheFor old.
func (h *Health) Fit(ctx context.Context) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.Now(); !h.known || now.Sub(h.at) >= cacheFor {
		// The answer is everybody's: it must not depend on whether the one who asked first has gone.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthPatience)
		defer cancel()
		h.at, h.known, h.fit = now, true, h.look(ctx, now)
	}
	return h.fit
}

func (h *Health) look(ctx context.Context, now time.Time) bool {
	states, err := h.Docs.Query(ctx, h.Region, observe.StateKey(h.Region))
	if err != nil || drained(states) {
		return false
	}
	verdicts, err := h.Docs.Query(ctx, h.Region, observe.VerdictKey(h.Region))
	if err != nil {
		return false
	}
	against := 0
	for _, raw := range verdicts {
		var v observe.Verdict
		// An unreadable verdict is missing data: it has no voice.
		if json.Unmarshal(raw, &v) == nil && !v.Healthy && fresh(now, v.At) {
			against++
		}
	}
	return against < objections
}

// fresh says whether a verdict counts. One from the future does as long as clocks may differ; beyond that it would
// go on counting when its observer is long dead.
func fresh(now, at time.Time) bool { return now.Sub(at).Abs() <= observe.FreshFor }

// drained looks at the newest entry; of the writers the latest counts.
func drained(states map[string]json.RawMessage) bool {
	var newest RegionState
	for _, raw := range states {
		var s RegionState
		if json.Unmarshal(raw, &s) == nil && s.At.After(newest.At) {
			newest = s
		}
	}
	return newest.State == Drained
}
