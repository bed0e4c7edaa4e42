package ingest

import (
	"context"
	"net/http"

	"example.com/unbroken/internal/loop"
)

// Gated refuses what comes over HTTP while the region is drained: clients go elsewhere. What is in the queues goes on, and so
// do canaries, which tell whether the region may return.
type Gated struct {
	Next    http.Handler
	Drained func(ctx context.Context) bool
}

// ServeHTTP implements http.Handler.
func (g *Gated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != loop.CanaryPath && g.Drained(r.Context()) {
		refuse(w, loop.Refuse(loop.CodeUnavailable, "this region is drained; send to another one"))
		return
	}
	g.Next.ServeHTTP(w, r)
}
