package outputs_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestQueriesThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.leave(here, "k", 1, `1`)
	for target, name := range map[string]string{
		"/v1/outputs/k?history=0": "history", "/v1/outputs/k?history=11": "history", "/v1/outputs/k?history=": "history",
		"/v1/outputs/k?history=two": "history", "/v1/outputs/k?history=1&history=2": "history", "/v1/outputs/k?histroy=1": "histroy",
		"/v1/outputs/k?%zz": "encode", "/v1/outputs/k?prefix=k": "prefix", "/v1/outputs?limit=0": "limit", "/v1/outputs?limit=101": "limit",
		"/v1/outputs?limit=-1": "limit", "/v1/outputs?prefix=a&prefix=b": "prefix", "/v1/outputs?kye=k": "kye", "/v1/outputs?key=k&limit=1": "limit",
		"/v1/outputs?prefix=%FF": "prefix", "/v1/outputs?prefix=" + strings.Repeat("k", loop.MaxOutputKeyBytes+1): "prefix",
	} {
		if detail := refused(t, w.get(target), http.StatusBadRequest, loop.CodeInvalidQuery); !strings.Contains(detail, name) {
			t.Errorf("%s: %s", target, detail)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/v1/outputs/k", "/v1/outputs", "/v1/health"} {
		rec := w.ask(http.MethodPost, target)
		refused(t, rec, http.StatusMethodNotAllowed, loop.CodeMethod)
		if rec.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("Allow: %s", rec.Header().Get("Allow"))
		}
	}
}

func TestOtherPathsSayWhatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/", "/v1", "/v1/output/k", "/v1/outputsk", "/v2/outputs/k", "/v1/healthy"} {
		if detail := refused(t, w.get(target), http.StatusNotFound, loop.CodeNotFound); !strings.Contains(detail, "/v1/outputs/{key}") {
			t.Errorf("%s: %s", target, detail)
		}
	}
}
