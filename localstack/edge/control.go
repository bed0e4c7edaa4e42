package edge

import (
	"encoding/json"
	"net/http"
	"strings"
)

// controlPrefix is where the edge answers for itself. No AWS service has such a path; an S3
// bucket named _edge would not be a valid one.
const controlPrefix = "/_edge/"

func isControl(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, controlPrefix) }

func (e *Edge) controls() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPrefix+"health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET "+controlPrefix+"calls", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, e.calls.list())
	})
	mux.HandleFunc("DELETE "+controlPrefix+"calls", func(w http.ResponseWriter, _ *http.Request) {
		e.calls.reset()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET "+controlPrefix+"faults", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, e.faults.list())
	})
	mux.HandleFunc("PUT "+controlPrefix+"faults", e.putFault)
	mux.HandleFunc("DELETE "+controlPrefix+"faults", func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("id")
		if id == "" {
			reply(w, http.StatusBadRequest, problem{"which fault? give ?id=, or ?id=* for all"})
			return
		}
		e.faults.remove(id)
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (e *Edge) putFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields() // a misspelt field would match everything
	if err := d.Decode(&f); err != nil {
		reply(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	set, err := e.faults.add(f)
	if err != nil {
		reply(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	reply(w, http.StatusOK, set)
}

type problem struct {
	Detail string `json:"detail"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}
