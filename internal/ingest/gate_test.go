package ingest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestADrainedRegionSendsProducersElsewhere(t *testing.T) {
	t.Parallel()
	for _, drained := range []bool{false, true} {
		reached := false
		g := &Gated{
			Next:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached = true; w.WriteHeader(http.StatusAccepted) }),
			Drained: func(context.Context) bool { return drained },
		}
		rec := httptest.NewRecorder()
		g.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/signals/default", strings.NewReader("{}")))
		want := map[bool]int{false: http.StatusAccepted, true: http.StatusServiceUnavailable}[drained]
		if rec.Code != want || reached == drained {
			t.Errorf("drained=%v: %d, reached %v", drained, rec.Code, reached)
		}
		if drained && (rec.Header().Get("Retry-After") == "" || !strings.Contains(rec.Body.String(), "drained")) {
			t.Errorf("%v %s", rec.Header(), rec.Body)
		}
	}
}

// A drained region takes its own canary and nothing that looks like it: otherwise it would never be seen to be well again.
func TestADrainedRegionTakesItsCanary(t *testing.T) {
	t.Parallel()
	g := &Gated{
		Next:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }),
		Drained: func(context.Context) bool { return true },
	}
	for path, want := range map[string]int{
		loop.CanaryPath: http.StatusAccepted, loop.CanaryPath + "/": http.StatusServiceUnavailable, loop.CanaryPath + "s": http.StatusServiceUnavailable,
		"/v1/signals/default": http.StatusServiceUnavailable, "/v1/signals/Unbroken.canary": http.StatusServiceUnavailable, "/x" + loop.CanaryPath: http.StatusServiceUnavailable,
	} {
		rec := httptest.NewRecorder()
		if g.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("{}"))); rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
}
