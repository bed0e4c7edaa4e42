package edge_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/unbroken/localstack/edge"
)

// apis is an emulator with one HTTP API in us-west-2 and one REST API in us-east-2.
func apis(lookups *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scope := r.Header.Get("Authorization")
		switch {
		case strings.HasPrefix(r.URL.Path, "/_aws/execute-api/"), strings.Contains(r.URL.Path, "/_user_request_"):
			_, _ = io.WriteString(w, "served")
		case strings.Contains(scope, "/us-west-2/apigateway/") && r.URL.Path == "/v2/apis/http1234",
			strings.Contains(scope, "/us-east-2/apigateway/") && r.URL.Path == "/restapis/rest1234":
			lookups.Add(1)
			_, _ = io.WriteString(w, "{}")
		default:
			lookups.Add(1)
			http.NotFound(w, r)
		}
	}
}

func get(t *testing.T, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := once.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func TestUnsignedCallsBelongToTheRegionOfTheirAPI(t *testing.T) {
	t.Parallel()
	var lookups atomic.Int64
	base, control := setup(t, apis(&lookups))
	http1 := base + "/_aws/execute-api/http1234/$default/v1/health"
	rest1 := base + "/restapis/rest1234/prod/_user_request_/v1/signals"
	if err := control.CutRegion(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	if get(t, http1) == nil {
		t.Error("the HTTP API of a dead region answers")
	}
	if err := get(t, rest1); err != nil {
		t.Errorf("the REST API of a healthy region: %v", err)
	}
	if err := control.HealRegion(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	before := lookups.Load()
	if err := get(t, http1); err != nil {
		t.Error(err)
	}
	if lookups.Load() != before {
		t.Error("a known owner was asked for again")
	}
	counts, err := control.Calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		want := map[string]int64{"us-west-2": 2, "us-east-2": 1}[c.Region]
		if c.Service != "execute-api" || c.Count != want {
			t.Errorf("%+v, want %d of execute-api", c, want)
		}
	}
}

func TestAPIsAreFoundWhenTheyAreCreatedLater(t *testing.T) {
	t.Parallel()
	var lookups atomic.Int64
	var exists atomic.Bool
	all := apis(&lookups)
	base, control := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2/apis/") && !exists.Load() {
			http.NotFound(w, r)
			return
		}
		all(w, r)
	})
	url := base + "/_aws/execute-api/http1234/$default/"
	set(t, control, edge.Fault{Region: "us-west-2", Mode: edge.Cut})
	if err := get(t, url); err != nil {
		t.Errorf("an API of no known region is not cut: %v", err)
	}
	exists.Store(true)
	if get(t, url) == nil {
		t.Error("the API was not found after it was created")
	}
}
