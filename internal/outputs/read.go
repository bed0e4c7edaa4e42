package outputs

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/unbroken/internal/loop"
)

// Answer is the body of GET /v1/outputs/{key}: one version. It never changes, so it has a strong entity tag; how old
// it is stands in the header Age.
type Answer struct {
	loop.Output
	Version string `json:"version"`
}

// History is the body of GET /v1/outputs/{key}?history=N. A value that was too large to keep is `omitted`.
type History struct {
	Key      string   `json:"key"`
	Versions []Answer `json:"versions"` // newest first
}

// output answers for one key; params are those that the request may have.
func (h *Handler) output(w http.ResponseWriter, r *http.Request, key string, params ...string) {
	q, err := query(r, params...)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if len(key) > loop.MaxOutputKeyBytes || !utf8.ValidString(key) {
		refuse(w, http.StatusNotFound, loop.Refuse(loop.CodeNotFound, "a key is UTF-8 and has at most %d bytes", loop.MaxOutputKeyBytes))
		return
	}
	if !q.Has("history") {
		out, err := h.Reader.Read(r.Context(), key)
		if err != nil {
			h.failed(w, key, err)
			return
		}
		a := Answer{Output: out, Version: out.Version()}
		h.respond(w, r, out, a.Version, a)
		return
	}
	n, err := number(q, "history", loop.MaxOutputVersions, loop.MaxOutputVersions)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	versions, err := h.Reader.History(r.Context(), key)
	if err != nil {
		h.failed(w, key, err)
		return
	}
	body := History{Key: key}
	ids := []string{"history"}
	for _, out := range versions[:min(n, len(versions))] {
		a := Answer{Output: out, Version: out.Version()}
		body.Versions = append(body.Versions, a)
		ids = append(ids, a.Version, strconv.FormatBool(a.Omitted))
	}
	h.respond(w, r, versions[0], loop.H(ids...)[:32], body)
}

func (h *Handler) failed(w http.ResponseWriter, key string, err error) {
	if errors.Is(err, loop.ErrNotFound) {
		prefix := key[:strings.LastIndexByte(key, '/')+1]
		refuse(w, http.StatusNotFound, loop.Refuse(loop.CodeNotFound,
			"no output has the key %s: it appears when an action that names it has landed; %s?prefix=%s lists those there are",
			strconv.Quote(key), pathList, url.QueryEscape(prefix)))
		return
	}
	unavailable(w)
}

// respond answers with body, of which newest is the newest version, unless the asker has it already.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, newest loop.Output, version string, body any) {
	tag := `"` + version + `"`
	age := max(h.Now().Sub(newest.WrittenAt), 0) // clocks of regions differ
	header := w.Header()
	header.Set("ETag", tag)
	header.Set("Cache-Control", "no-cache") // keep it, but ask whether it is still the newest
	header.Set("Age", strconv.Itoa(int(age/time.Second)))
	header.Set("Last-Modified", newest.WrittenAt.UTC().Format(http.TimeFormat))
	header.Set(HeaderRegion, h.Region)
	if has(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	write(w, http.StatusOK, loop.ContentJSON, body)
}

// has says whether tag is among those listed, by weak comparison: a cache may have weakened it.
func has(lists []string, tag string) bool {
	for _, list := range lists {
		for one := range strings.SplitSeq(list, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
