package edge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"example.com/unbroken/localstack/edge"
)

func TestARegionsOwnAddressIsItsAPI(t *testing.T) {
	t.Parallel()
	emulator := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope := r.Header.Get("Authorization")
		switch {
		case r.URL.Path == "/v2/apis" && strings.Contains(scope, "/us-west-2/apigateway/"):
			_, _ = io.WriteString(w, `{"items":[{"apiId":"w1"}]}`)
		case r.URL.Path == "/v2/apis":
			_, _ = io.WriteString(w, `{"items":[{"apiId":"e1"},{"apiId":"e2"}]}`)
		case strings.HasPrefix(r.URL.Path, "/v2/apis/w1"):
			_, _ = io.WriteString(w, `{}`)
		default:
			_, _ = fmt.Fprintf(w, "%s %s %s", r.Host, r.Method, r.URL.RequestURI())
		}
	}))
	t.Cleanup(emulator.Close)
	e, err := edge.New(edge.Options{Upstream: emulator.URL, Regions: []string{"us-west-2"}})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(e)
	t.Cleanup(front.Close)
	west, east := regional(t, e, "us-west-2"), regional(t, e, "us-east-2")

	for path, want := range map[string]string{
		"/v1/health":            "loop.test GET /_aws/execute-api/w1/$default/v1/health",
		"/v1/outputs/a%2Fb?x=1": "loop.test GET /_aws/execute-api/w1/$default/v1/outputs/a%2Fb?x=1",
	} {
		if status, body, err := ask(t, west+path); err != nil || status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q %v", path, status, body, err)
		}
	}
	if status, body, _ := ask(t, east+"/v1/health"); status != http.StatusServiceUnavailable || !strings.Contains(body, "2 HTTP APIs") {
		t.Errorf("a region with two APIs: %d %q", status, body)
	}
	control := edge.Client{URL: front.URL}
	if err := control.CutRegion(t.Context(), "us-west-2"); err != nil {
		t.Fatal(err)
	}
	if status, body, err := ask(t, west+"/v1/health"); err == nil {
		t.Errorf("a region that is cut answers on its own address: %d %q", status, body)
	}
}

func regional(t *testing.T, e *edge.Edge, region string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := e.ServeRegional(ctx, l, region); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	return "http://" + l.Addr().String()
}

func ask(t *testing.T, url string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "loop.test"
	res, err := once.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}
