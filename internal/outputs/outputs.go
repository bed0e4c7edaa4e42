// Package outputs answers questions over HTTP: the last known good outputs, and whether this region is fit to take
// signals. It reads this region's table only, so that it answers as long as the region does.
//
//	GET /v1/outputs/{key}             the newest version
//	GET /v1/outputs/{key}?history=N   the N newest versions, newest first
//	GET /v1/outputs?key=              the same, for keys that a path cannot carry
//	GET /v1/outputs?prefix=           which outputs there are, in pages
//	GET /v1/health                    200 or 503, without detail
//
// Every region has every region's outputs, as far as replication has brought them. An answer therefore says how old
// the output is, where it was written and who tells it; and it has an entity tag, so that asking again is cheap.
package outputs

import (
	"context"
	"net/http"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// Reader finds outputs among those of all regions.
type Reader interface {
	// Read returns the newest version of key; loop.ErrNotFound where no region wrote it.
	Read(ctx context.Context, key string) (loop.Output, error)
	// History returns the newest versions of key, newest first; loop.ErrNotFound where no region wrote it.
	History(ctx context.Context, key string) ([]loop.Output, error)
	// List returns the newest versions, without their values, of at most limit keys that start with prefix and
	// follow after; next is where the next page begins, "" where there is none.
	List(ctx context.Context, prefix, after string, limit int) (page []loop.Output, next string, err error)
}

// Handler serves outputs and health. Who may ask is decided in front of it.
type Handler struct {
	Region string
	Reader Reader
	Health *Health
	Now    func() time.Time
}

var _ http.Handler = (*Handler)(nil)

const (
	pathList   = "/v1/outputs"
	pathOutput = pathList + "/"
	pathHealth = "/v1/health"
)

// HeaderRegion names the region that answers. It is a header and no field: the body of a version is the same
// wherever it is read, as its entity tag says.
const HeaderRegion = "Unbroken-Region"

// patience bounds one answer: a reader that waits longer is better off in another region.
const patience = 3 * time.Second

// ServeHTTP implements http.Handler. It matches paths itself: a mux would answer the key a//b with a redirect.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	r = r.WithContext(ctx)
	key, found := strings.CutPrefix(r.URL.Path, pathOutput)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, loop.Refuse(loop.CodeMethod, "use GET or HEAD"))
	case r.URL.Path == pathHealth:
		h.Health.ServeHTTP(w, r)
	case found && key != "":
		h.output(w, r, key, "history")
	case found, r.URL.Path == pathList:
		h.list(w, r)
	default:
		refuse(w, http.StatusNotFound, loop.Refuse(loop.CodeNotFound, "there is %s{key}, %s?prefix= and %s", pathOutput, pathList, pathHealth))
	}
}
