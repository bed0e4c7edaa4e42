package dev

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// serve answers for the region until ctx ends.
func (r *loopRegion) serve(ctx context.Context) error {
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(r.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", r.name, err)
	}
	return nil
}

// ServeHTTP routes as the HTTP API does. A killed region does not answer: the connection ends.
func (r *loopRegion) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.w.state.gone(r.name) {
		panic(http.ErrAbortHandler)
	}
	if !strings.HasPrefix(req.URL.Path, "/v1/signals/") {
		r.answers.ServeHTTP(w, req)
		return
	}
	r.signals.ServeHTTP(w, req)
	if r.w.state.gone(r.name) { // killed meanwhile: what was going to be answered is not
		panic(http.ErrAbortHandler)
	}
}
