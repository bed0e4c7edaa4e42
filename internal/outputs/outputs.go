// Package outputs answers questions over HTTP: the last known good outputs, and whether this region is fit to take
// signals. It reads this region's table only, so that it answers as long as the region does.
package outputs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// Reader finds the newest output of a key among those of all regions.
type Reader interface {
	// Read returns loop.ErrNotFound where no region wrote the key.
	Read(ctx context.Context, key string) (loop.Output, error)
}

// Answer is the body of GET /v1/outputs/{key}.
type Answer struct {
	loop.Output
	Age    string `json:"age"` // since it was written, in Go's notation
	Region string `json:"region"`
}

// Handler serves outputs and health.
type Handler struct {
	Region string
	Reader Reader
	Health *Health
	Now    func() time.Time
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch key, found := strings.CutPrefix(r.URL.Path, "/v1/outputs/"); {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		problem(w, http.StatusMethodNotAllowed, loop.CodeUnsupported, "use GET")
	case r.URL.Path == "/v1/health":
		h.Health.ServeHTTP(w, r)
	case found && key != "":
		h.output(w, r, key)
	default:
		problem(w, http.StatusNotFound, loop.CodeNotFound, "there is /v1/outputs/{key} and /v1/health")
	}
}

func (h *Handler) output(w http.ResponseWriter, r *http.Request, key string) {
	out, err := h.Reader.Read(r.Context(), key)
	switch {
	case errors.Is(err, loop.ErrNotFound):
		problem(w, http.StatusNotFound, loop.CodeNotFound, "no output has the key "+key)
		return
	case err != nil:
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, loop.CodeUnavailable, "the table of this region does not answer; ask another region")
		return
	}
	// The fence and the writer name one version exactly.
	tag := fmt.Sprintf(`"%s"`, loop.H("etag", string(out.Fence), out.EffectID)[:32])
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	age := max(h.Now().Sub(out.WrittenAt), 0)
	respond(w, http.StatusOK, "application/json", Answer{Output: out, Age: age.Round(time.Millisecond).String(), Region: h.Region})
}

// problem answers with RFC 9457.
func problem(w http.ResponseWriter, status int, code loop.Code, detail string) {
	respond(w, status, "application/problem+json", map[string]any{
		"type": "urn:unbroken:" + string(code), "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
}

func respond(w http.ResponseWriter, status int, contentType string, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may be gone
}
