package outputs

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// Bounds of a page. The largest is what stays well below the 6 MB of a Lambda answer, keys of 1024 bytes included.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	pageDefault = 50
	pageMax     = 100
)

// List is the body of GET /v1/outputs?prefix=: versions without their values, in the order of their keys.
type List struct {
	Prefix string   `json:"prefix"`
	Items  []Answer `json:"items"`
	Next   string   `json:"next,omitempty"` // the cursor of the next page; "" at the end
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); q.Has("key") {
		// For keys that a path cannot carry: an HTTP API ends a path at a question mark, encoded or not.
		h.output(w, r, q.Get("key"), "key", "history")
		return
	}
	q, err := query(r, "prefix", "limit", "cursor")
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	prefix := q.Get("prefix")
	limit, err := number(q, "limit", pageDefault, pageMax)
	after, cerr := place(prefix, q.Get("cursor"))
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, err)
		return
	case cerr != nil:
		refuse(w, http.StatusBadRequest, cerr)
		return
	case len(prefix) > loop.MaxOutputKeyBytes || !utf8.ValidString(prefix):
		refuse(w, http.StatusBadRequest, loop.Refuse(loop.CodeInvalidQuery, "prefix: a key is UTF-8 and has at most %d bytes", loop.MaxOutputKeyBytes))
		return
	}
	page, next, err := h.Reader.List(r.Context(), prefix, after, limit)
	if err != nil {
		unavailable(w)
		return
	}
	body := List{Prefix: prefix, Items: make([]Answer, len(page)), Next: cursor(next)}
	for i, out := range page {
		body.Items[i] = Answer{Output: out, Version: out.Version()}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set(HeaderRegion, h.Region)
	write(w, http.StatusOK, loop.ContentJSON, body)
}

// cursorForm stands before the place in a cursor, so that another form can be told apart one day.
const cursorForm = "1:"

// cursor hides the place where a page ended; nobody may build on what it looks like.
func cursor(next string) string {
	if next == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(cursorForm + next))
}

// place reads a cursor of the same prefix.
func place(prefix, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	after, ok := strings.CutPrefix(string(raw), cursorForm)
	if err != nil || !ok || !utf8.ValidString(after) || len(after) > loop.MaxOutputKeyBytes || !strings.HasPrefix(after, prefix) {
		return "", loop.Refuse(loop.CodeInvalidQuery, "cursor: give back what the page before said in next, with the same prefix, or leave it out")
	}
	return after, nil
}
