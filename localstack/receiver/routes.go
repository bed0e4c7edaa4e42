package receiver

import (
	"encoding/json"
	"net/http"
	"strconv"
)

const controlPrefix = "/_receiver/"

func (rc *Receiver) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPrefix+"health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET "+controlPrefix+"deliveries", func(w http.ResponseWriter, r *http.Request) {
		var since uint64
		if text := r.URL.Query().Get("since"); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				reply(w, http.StatusBadRequest, problem{"since is the `next` of an earlier report, a number"})
				return
			}
			since = n
		}
		reply(w, http.StatusOK, rc.store.report(since, r.URL.Query().Get("path")))
	})
	mux.HandleFunc("DELETE "+controlPrefix+"deliveries", func(w http.ResponseWriter, _ *http.Request) {
		rc.store.reset()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc(controlPrefix, http.NotFound)
	mux.HandleFunc("/", rc.receive)
	return mux
}

type problem struct {
	Detail string `json:"detail"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}
