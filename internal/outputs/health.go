package outputs

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// cacheFor bounds how often a flood of checks reaches the table.
const cacheFor = time.Second

// healthPatience bounds a look at the table: Route 53's checkers wait two seconds for an answer.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
const healthPatience = 1500 * time.Millisecond

// Health answers GET /v1/health without any detail: 200 where this region should take signals, 503 where not. It should
// if it is not drained (package failover: the verdicts on it are judged here and now, no observer has to write first) and
// a canary of every kind came through its own chain lately. What it asks, it asks of its own region's table; where that does not
// answer, the region is not whole.
type Health struct {
	Region   string
	Reader   region.Reader
	Canaries []string // their kinds, of which each must come through
	Now      func() time.Time

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
	var receipts map[string]json.RawMessage
	var own region.View
	var eg errgroup.Group
	eg.Go(func() (err error) {
		own, err = h.Reader.View(ctx, h.Region, h.Region)
		return err
	})
	if len(h.Canaries) > 0 {
		eg.Go(func() (err error) {
			receipts, err = h.Reader.Docs.Query(ctx, h.Region, loop.ReceiptKey(h.Region))
			return err
		})
	}
	if eg.Wait() != nil {
		return false
	}
	// Nearly always this region's own facts are enough: Route 53 asks day and night, and every read is paid for.
	if own.Now(now).State != region.Active || own.Objections(now) >= region.Quorum {
		if views, err := h.Reader.Views(ctx, h.Region); err != nil || region.Refuses(now, h.Region, views) {
			return false
		}
	}
	for _, kind := range h.Canaries {
		var r loop.Receipt
		if json.Unmarshal(receipts[kind], &r) != nil || now.Sub(r.LandedAt).Abs() > loop.CanaryKeep {
			return false
		}
	}
	return true
}
